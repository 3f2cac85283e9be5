using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FastConsumer.DynamoDb.Tests.Faults;

/// <summary>A proxy on loopback in front of a DynamoDB; breaks the requests that a test names.</summary>
internal sealed class FaultyDynamoDb : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false });
    private readonly string _target;
    private readonly ConcurrentDictionary<string, ConcurrentQueue<Fault>> _faults = new();
    private readonly ConcurrentDictionary<string, ConcurrentQueue<(int Status, string Body)>> _answers = new();
    private readonly ConcurrentDictionary<string, int> _requests = new();
    private readonly ConcurrentDictionary<string, string> _last = new();
    private readonly ConcurrentQueue<(string Operation, byte[] Body, Dictionary<string, string> Headers)> _late = new();

    private FaultyDynamoDb(string target)
    {
        _target = target;
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static options => options.Listen(IPAddress.Loopback, 0));
        _application = builder.Build();
        _application.Run(HandleAsync);
    }

    public string ServiceUrl => _application.Services.GetRequiredService<IServer>().Features
        .Get<IServerAddressesFeature>()!.Addresses.Single();

    public static async Task<FaultyDynamoDb> StartAsync(string target)
    {
        var proxy = new FaultyDynamoDb(target);
        await proxy._application.StartAsync(TestContext.Current.CancellationToken);
        return proxy;
    }

    /// <summary>Breaks the next requests of an operation, one fault each.</summary>
    public void Break(string operation, params Fault[] faults)
    {
        ConcurrentQueue<Fault> queue = _faults.GetOrAdd(operation, static _ => new ConcurrentQueue<Fault>());
        foreach (Fault fault in faults)
        {
            queue.Enqueue(fault);
        }
    }

    /// <summary>Answers the next requests of an operation in the server's place.</summary>
    public void Answer(string operation, params (int Status, string Body)[] answers) =>
        _answers[operation] = new ConcurrentQueue<(int Status, string Body)>(answers);

    /// <summary>How often an operation was asked for.</summary>
    public int Requests(string operation) => _requests.GetValueOrDefault(operation);

    /// <summary>What the last request of an operation said.</summary>
    public string LastRequest(string operation) => _last.GetValueOrDefault(operation) ?? "";

    /// <summary>The operations that were asked for.</summary>
    public IReadOnlyCollection<string> Operations => [.. _requests.Keys];

    /// <summary>Hands on what was held back.</summary>
    public async Task DeliverLateRequestsAsync()
    {
        while (_late.TryDequeue(out var request))
        {
            using HttpResponseMessage response = await SendAsync(request.Body, request.Headers);
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
        _client.Dispose();
    }

    private async Task HandleAsync(HttpContext context)
    {
        // X-Amz-Target: DynamoDB_20120810.UpdateItem
        string operation = context.Request.Headers["X-Amz-Target"].ToString().Split('.')[^1];
        _requests.AddOrUpdate(operation, 1, static (_, count) => count + 1);
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        _last[operation] = System.Text.Encoding.UTF8.GetString(body.ToArray());
        Dictionary<string, string> headers = context.Request.Headers
            .Where(static header => !header.Key.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)
                && header.Key is not ("Host" or "Connection"))
            .ToDictionary(static header => header.Key, static header => header.Value.ToString());

        if (_answers.TryGetValue(operation, out ConcurrentQueue<(int Status, string Body)>? answers)
            && answers.TryDequeue(out (int Status, string Body) answer))
        {
            await AnswerAsync(context, answer.Status, answer.Body);
            return;
        }

        Fault? fault = _faults.TryGetValue(operation, out ConcurrentQueue<Fault>? queue) && queue.TryDequeue(out Fault next) ? next : null;
        switch (fault)
        {
            case Fault.CutRequest:
                context.Abort();
                return;
            case Fault.LateRequest:
                _late.Enqueue((operation, body.ToArray(), headers));
                await HangAsync(context);
                return;
            case Fault.ErrorInstead:
                await AnswerAsync(context, 500, "InternalServerError", "broken for the test");
                return;
            case Fault.Throttled:
                await AnswerAsync(context, 400, "ProvisionedThroughputExceededException", "throttled for the test");
                return;
            case Fault.Denied:
                await AnswerAsync(context, 400, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/test is not authorized");
                return;
        }

        HttpResponseMessage response = await SendAsync(body.ToArray(), headers);
        if (fault == Fault.SentTwice)
        {
            response.Dispose();
            response = await SendAsync(body.ToArray(), headers);
        }

        using (response)
        {
            switch (fault)
            {
                case Fault.CutAnswer:
                    context.Abort();
                    return;
                case Fault.NoAnswer:
                    await HangAsync(context);
                    return;
                case Fault.ErrorAfter:
                    await AnswerAsync(context, 500, "InternalServerError", "broken for the test");
                    return;
            }

            context.Response.StatusCode = (int)response.StatusCode;
            context.Response.ContentType = "application/x-amz-json-1.0";
            if (response.Headers.TryGetValues("x-amz-crc32", out IEnumerable<string>? checksum))
            {
                context.Response.Headers["x-amz-crc32"] = checksum.Single();
            }

            await response.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(byte[] body, Dictionary<string, string> headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_target)) { Content = new ByteArrayContent(body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/x-amz-json-1.0");
        foreach ((string name, string value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        HttpResponseMessage response = await _client.SendAsync(request);
        await response.Content.LoadIntoBufferAsync();
        return response;
    }

    /// <summary>Until the client has given up.</summary>
    private static async Task HangAsync(HttpContext context)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration = context.RequestAborted.Register(gone.SetResult);
        await gone.Task;
    }

    private static Task AnswerAsync(HttpContext context, int status, string code, string message) =>
        AnswerAsync(context, status, $$"""{"__type":"com.amazonaws.dynamodb.v20120810#{{code}}","message":"{{message}}"}""");

    private static Task AnswerAsync(HttpContext context, int status, string body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/x-amz-json-1.0";
        return context.Response.WriteAsync(body);
    }
}
