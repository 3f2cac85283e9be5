// Written from the rules' pages alone. The marks were set before anything was run.
using System.Globalization;
using System.IO;
using System.Net.Http;
using System.Net.Http.Json;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.S3;
using Amazon.S3.Model;
using Amazon.SQS;
using Amazon.SQS.Model;
using Corpus.Independent.Loyalty;
using FastConsumer;
using FastConsumer.Kinesis;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Corpus.Independent.LoyaltyCalls;

/// <summary>Sends and forgets by a helper with a good name, and by a method group.</summary>
[KinesisProcessor("points", JsonContext = typeof(LoyaltyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class InTheBackground(IMembers members)
{
    [OnRecord]
    public async Task HandleAsync(Points points, CancellationToken cancellationToken)
    {
        await members.AddAsync(points, cancellationToken);
        Background({|FC2003:members.NotifyAsync(points.Member, points.Reason, cancellationToken)|});
        {|FC2003:ThreadPool.QueueUserWorkItem(Later, points)|};
    }

    private static void Background(Task task) => _ = task;

    private static void Later(object? state) => Console.WriteLine(state);
}

/// <summary>The answer of each of a batch of hooks in a list of tasks, and nobody reads one of them.</summary>
[KinesisProcessor("points", JsonContext = typeof(LoyaltyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(HttpRequestException), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class HooksInAList(HttpClient http)
{
    [OnBatch(MaxRecords = 50)]
    public async Task HandleAsync(ReadOnlyMemory<Points> batch, CancellationToken cancellationToken)
    {
        List<Task> tasks = [];
        for (int i = 0; i < batch.Length; i++)
        {
            tasks.Add({|FC2007:http.PostAsJsonAsync("/hooks", batch.Span[i], cancellationToken)|});
        }

        await Task.WhenAll(tasks);
    }
}

/// <summary>The handler is a task of the call itself; what the call answers is gone with it.</summary>
[KinesisProcessor("points")]
[OnError(typeof(HttpRequestException), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class ReturnsTheCall(HttpClient http)
{
    [OnRecord]
    public Task HandleAsync(ReadOnlyMemory<byte> body, CancellationToken cancellationToken) =>
        {|FC2007:http.PostAsync("/points", new ReadOnlyMemoryContent(body), cancellationToken)|};
}

/// <summary>A handler inside of the client throws for all of its answers; the compiler is told so by the author.</summary>
[KinesisProcessor("points", JsonContext = typeof(LoyaltyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(HttpRequestException), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class TypedClient(HttpClient http)
{
    [OnRecord]
    public async Task HandleAsync(Points points, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await SendAsync(HttpMethod.Post, "/points", points, cancellationToken);
        response.Dispose();
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, Points points, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = JsonContent.Create(points, LoyaltyJson.Default.Points) };
        HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException(null, null, response.StatusCode);
        }

        return response;
    }
}

/// <summary>An outbox in one transaction with the points; a duplicate key is told by the inner exception.</summary>
public sealed class LoyaltyContext(DbContextOptions<LoyaltyContext> options) : DbContext(options);

[KinesisProcessor("points", JsonContext = typeof(LoyaltyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class DuplicateKey
{
    [OnRecord]
    public async Task HandleAsync(Points points, [FromServices] LoyaltyContext context, CancellationToken cancellationToken)
    {
        context.Add(points);
        try
        {
            await context.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException e) when (e.InnerException is Npgsql.PostgresException { SqlState: "23505" })
        {
            context.ChangeTracker.Clear();
        }
    }
}

/// <summary>A queue's message for each record, and the queue's own exception is a line in the log for some.</summary>
[KinesisProcessor("points", JsonContext = typeof(LoyaltyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class LogsThrottling(IAmazonSQS sqs, ILogger<LogsThrottling> logger)
{
    [OnRecord]
    public async Task HandleAsync(Points points, CancellationToken cancellationToken)
    {
        try
        {
            await sqs.SendMessageAsync("https://queue/points", points.Reason, cancellationToken);
        }
        {|FC2002:catch (AmazonSQSException e)|}
        {
            if (logger.IsEnabled(LogLevel.Warning))
            {
                logger.LogWarning(e, "Throttled: {Member}", points.Member);
            }
        }
    }
}
