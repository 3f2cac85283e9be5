// Written from the rules' pages alone. The marks were set before anything was run.
using System.Net;
using System.Net.Http;
using System.Net.Mail;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Amazon.SimpleNotificationService;
using Amazon.SimpleNotificationService.Model;
using FastConsumer;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging;
using Sentry;

namespace Corpus.Independent.Notifications;

public sealed record Notice(string User, string Address, string Text, IReadOnlyList<string> Devices);

[JsonSerializable(typeof(Notice))]
public sealed partial class NotificationsJson : JsonSerializerContext;

public interface IPush
{
    Task SendAsync(string device, string text, CancellationToken cancellationToken = default);
}

public interface IDeadNotices
{
    Task AddAsync(Notice notice, string reason);
}

public sealed class HookFailedException(string message) : Exception(message);

/// <summary>One topic, one message for each record.</summary>
[KinesisProcessor("notices", JsonContext = typeof(NotificationsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(InvalidParameterException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 12, Then = ErrorAction.Stop)]
public sealed partial class ToTopic(IAmazonSimpleNotificationService sns)
{
    [OnRecord]
    public async Task HandleAsync(Notice notice, CancellationToken cancellationToken) =>
        await sns.PublishAsync(
            new PublishRequest { TopicArn = "arn:aws:sns:eu-west-1:1:notices", Message = notice.Text, MessageGroupId = notice.User },
            cancellationToken);
}

/// <summary>Ten messages in one call, of which some may have been refused.</summary>
[KinesisProcessor("notices", JsonContext = typeof(NotificationsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 12, Then = ErrorAction.Stop)]
public sealed partial class ToTopicByTens(IAmazonSimpleNotificationService sns, ILogger<ToTopicByTens> logger)
{
    [OnBatch(MaxRecords = 10)]
    public async Task HandleAsync(ReadOnlyMemory<Notice> notices, CancellationToken cancellationToken)
    {
        var request = new PublishBatchRequest { TopicArn = "arn:aws:sns:eu-west-1:1:notices", PublishBatchRequestEntries = [] };
        foreach (Notice notice in notices.ToArray())
        {
            request.PublishBatchRequestEntries.Add(
                new PublishBatchRequestEntry { Id = request.PublishBatchRequestEntries.Count.ToString(), Message = notice.Text });
        }

        PublishBatchResponse response = await {|FC2007:sns.PublishBatchAsync(request, cancellationToken)|};
        logger.LogInformation("{Count} published", response.Successful.Count);
    }
}

/// <summary>The ten, with what was refused given to the policy by its index.</summary>
[KinesisProcessor("notices", JsonContext = typeof(NotificationsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 12, Then = ErrorAction.DeadLetter)]
public sealed partial class ToTopicByTensWell(IAmazonSimpleNotificationService sns)
{
    [OnBatch(MaxRecords = 10)]
    public async Task HandleAsync(ReadOnlyMemory<Notice> notices, BatchContext context, CancellationToken cancellationToken)
    {
        List<PublishBatchRequestEntry> entries = [
            .. notices.ToArray().Select((notice, i) => new PublishBatchRequestEntry { Id = $"{i}", Message = notice.Text })];
        var response = await sns.PublishBatchAsync(new PublishBatchRequest { PublishBatchRequestEntries = entries }, cancellationToken);
        foreach (BatchResultErrorEntry failed in response.Failed ?? [])
        {
            context.Fail(entries.FindIndex(entry => entry.Id == failed.Id), new HookFailedException(failed.Code));
        }
    }
}

/// <summary>Hooks of all customers, called together, and no answer is read.</summary>
[KinesisProcessor("hooks", JsonContext = typeof(NotificationsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(HttpRequestException), ErrorAction.Retry, MaxAttempts = 8, Then = ErrorAction.DeadLetter)]
public sealed partial class HooksBlind(HttpClient http)
{
    private static readonly Uri[] s_hooks = [new("https://one.example/hook"), new("https://two.example/hook")];

    [OnRecord]
    public async Task HandleAsync(ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        await Task.WhenAll(
            s_hooks.Select(hook => {|FC2007:http.PostAsync(hook, new ReadOnlyMemoryContent(body), cancellationToken)|}));
    }
}

/// <summary>Signed hooks: each answer is looked at; 410 removes the hook, anything else but success is a failure.</summary>
[KinesisProcessor("hooks")]
[OnError(typeof(HookFailedException), ErrorAction.Retry, MaxAttempts = 8, Then = ErrorAction.DeadLetter)]
[OnError(typeof(HttpRequestException), ErrorAction.Retry, MaxAttempts = 8, Then = ErrorAction.DeadLetter)]
[OnError(typeof(TimeoutException), ErrorAction.Retry, MaxAttempts = 8, Then = ErrorAction.DeadLetter, Timeout = "00:00:30")]
public sealed partial class HooksSigned(HttpClient http, ICollection<Uri> hooks, byte[] secret)
{
    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        string signature = Convert.ToHexString(HMACSHA256.HashData(secret, record.DataSpan));
        HttpResponseMessage[] answers = await Task.WhenAll(hooks.Select(hook => PostAsync(hook, record, signature, cancellationToken)));
        foreach (HttpResponseMessage answer in answers)
        {
            using (answer)
            {
                if (answer.StatusCode == HttpStatusCode.Gone)
                {
                    hooks.Remove(answer.RequestMessage!.RequestUri!);
                }
                else if (!answer.IsSuccessStatusCode)
                {
                    throw new HookFailedException($"{(int)answer.StatusCode}");
                }
            }
        }
    }

    private async Task<HttpResponseMessage> PostAsync(Uri hook, KinesisRecord record, string signature, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, hook) { Content = new ReadOnlyMemoryContent(record.Data) };
        request.Headers.Add("X-Signature", signature);
        try
        {
            return await http.SendAsync(request, cancellationToken);
        }
        catch (TaskCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException("The hook did not answer.", e);
        }
    }
}

/// <summary>A mail that could not be sent is an event in Sentry.</summary>
[KinesisProcessor("mails", JsonContext = typeof(NotificationsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 12, Then = ErrorAction.Stop)]
public sealed partial class Mails(SmtpClient smtp)
{
    [OnRecord]
    public async Task HandleAsync(Notice notice, CancellationToken cancellationToken)
    {
        using var message = new MailMessage("no-reply@example.com", notice.Address, "News", notice.Text);
        try
        {
            await smtp.SendMailAsync(message, cancellationToken);
        }
        {|FC2002:catch (SmtpException e)|}
        {
            SentrySdk.AddBreadcrumb("mail to " + notice.User);
            SentrySdk.CaptureException(e);
        }
    }
}

/// <summary>A mailbox that does not exist is the one failure that is the notice's own: it is kept, the others pass.</summary>
[KinesisProcessor("mails", JsonContext = typeof(NotificationsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 12, Then = ErrorAction.Stop)]
public sealed partial class MailsKept(SmtpClient smtp, IDeadNotices dead)
{
    [OnRecord]
    public async Task HandleAsync(Notice notice, CancellationToken cancellationToken)
    {
        using var message = new MailMessage("no-reply@example.com", notice.Address, "News", notice.Text);
        try
        {
            await smtp.SendMailAsync(message, cancellationToken);
        }
        catch (SmtpFailedRecipientException e)
        {
            await dead.AddAsync(notice, e.StatusCode.ToString());
        }
    }
}

/// <summary>Devices in a ForEach with an asynchronous lambda: nobody can wait for those.</summary>
[KinesisProcessor("pushes", JsonContext = typeof(NotificationsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class PushesForEach(IPush push)
{
    [OnRecord]
    public void Handle(Notice notice, CancellationToken cancellationToken)
    {
        notice.Devices.ToList().ForEach({|FC2003:async|} device => await push.SendAsync(device, notice.Text, cancellationToken));
        Parallel.ForEach(notice.Devices, {|FC2003:async|} device =>
        {
            await push.SendAsync(device, "badge", cancellationToken);
        });
    }
}

/// <summary>The time-out of HttpClient and the stop of the host are one exception, taken for "try the next".</summary>
[KinesisProcessor("pushes", JsonContext = typeof(NotificationsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class PushesUntilStopped(IPush push, ILogger<PushesUntilStopped> logger)
{
    [OnRecord]
    public async Task HandleAsync(Notice notice, CancellationToken cancellationToken)
    {
        foreach (string device in notice.Devices)
        {
            try
            {
                await push.SendAsync(device, notice.Text, cancellationToken);
            }
            {|FC2004:catch (TaskCanceledException)|}
            {
                logger.LogWarning("Device {Device} did not answer", device);
            }
        }
    }
}

/// <summary>A time-out of its own for each device; what runs into it is collected for the policy.</summary>
[KinesisProcessor("pushes", JsonContext = typeof(NotificationsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(TimeoutException), ErrorAction.Retry, MaxAttempts = 3, Then = ErrorAction.DeadLetter)]
public sealed partial class PushesInTime(IPush push)
{
    [OnRecord]
    public async Task HandleAsync(Notice notice, CancellationToken cancellationToken)
    {
        var silent = new StringBuilder();
        foreach (string device in notice.Devices)
        {
            using CancellationTokenSource time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            time.CancelAfter(TimeSpan.FromSeconds(5));
            try
            {
                await push.SendAsync(device, notice.Text, time.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                silent.AppendLine(device);
            }
        }

        if (silent.Length > 0)
        {
            throw new TimeoutException(silent.ToString());
        }
    }
}

/// <summary>The token is at hand, and the call goes without: two levels down.</summary>
[KinesisProcessor("pushes", JsonContext = typeof(NotificationsJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class PushesDeaf(IPush push)
{
    [OnRecord]
    public Task HandleAsync(Notice notice, CancellationToken cancellationToken) => SendAllAsync(notice, cancellationToken);

    private async Task SendAllAsync(Notice notice, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await {|FC3002:Parallel.ForEachAsync(
            notice.Devices, async (device, token) => await push.SendAsync(device, notice.Text, token))|};
        foreach (string device in notice.Devices)
        {
            await {|FC3002:push.SendAsync(device, "badge")|};
        }
    }
}
