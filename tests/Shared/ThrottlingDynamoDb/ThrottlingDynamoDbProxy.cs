using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using FastConsumer.Shared.Hosts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Shared.ThrottlingDynamoDb;

/// <summary>
/// A DynamoDB with provisioned throughput, made from one without: a proxy on loopback that lets a number of write units through
/// each second, for all tables together, and answers the rest as DynamoDB does. A write counts one unit, which is right for rows up
/// to 1 KB; reads are not limited. It also counts, slows answers down, and cuts connections.
/// </summary>
public sealed class ThrottlingDynamoDbProxy : IAsyncDisposable
{
    private const string ContentType = "application/x-amz-json-1.0";

    private readonly WebApplication _application;
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false });
    private readonly Uri _target;
    private readonly TimeProvider _timeProvider;
    private readonly WriteUnitBucket _bucket;
    private readonly ConcurrentDictionary<HttpContext, byte> _open = new();
    private readonly ConcurrentDictionary<string, long> _byOperation = new(StringComparer.Ordinal);
    private long _requests;
    private long _writeUnits;
    private long _throttled;
    private long _cut;
    private int _cutBefore;
    private int _cutAfter;

    private ThrottlingDynamoDbProxy(string target, TimeProvider timeProvider)
    {
        _target = new Uri(target);
        _timeProvider = timeProvider;
        _bucket = new WriteUnitBucket(timeProvider);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.WebHost.ConfigureKestrel(static options => options.Listen(IPAddress.Loopback, 0));
        _application = builder.Build();
        _application.Run(HandleAsync);
    }

    /// <summary>Where to send requests.</summary>
    public string ServiceUrl => _application.Services.GetRequiredService<IServer>().Features
        .Get<IServerAddressesFeature>()!.Addresses.Single();

    /// <summary>How much longer than the server each answer takes: a network's round trip.</summary>
    public TimeSpan Latency { get; set; }

    /// <summary>
    /// The error code of throttled statements in a batch: ProvisionedThroughputExceeded, ThrottlingError or RequestLimitExceeded.
    /// </summary>
    public string StatementErrorCode { get; set; } = "ProvisionedThroughputExceeded";

    /// <summary>What DynamoDB calls the limit in the answer to a single write.</summary>
    public string ThrottlingReason { get; set; } = "TableWriteProvisionedThroughputExceeded";

    public ThrottlingCounts Counts => new(
        Interlocked.Read(ref _requests), Interlocked.Read(ref _writeUnits), Interlocked.Read(ref _throttled), Interlocked.Read(ref _cut));

    /// <summary>Starts a proxy without a limit.</summary>
    /// <param name="target">The server's address.</param>
    /// <param name="timeProvider">The clock of the limit; the system's where null.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    public static async Task<ThrottlingDynamoDbProxy> StartAsync(
        string target, TimeProvider? timeProvider = null, CancellationToken cancellationToken = default)
    {
        var proxy = new ThrottlingDynamoDbProxy(target, timeProvider ?? TimeProvider.System);
        await proxy._application.StartAsync(cancellationToken);
        return proxy;
    }

    /// <summary>Limits writes from now on. DescribeTable says so too.</summary>
    /// <param name="writeUnitsPerSecond">The rate; infinite for none.</param>
    /// <param name="burst">How many may be saved up; those of one second where null.</param>
    public void Limit(double writeUnitsPerSecond, double? burst = null) =>
        _bucket.SetLimit(writeUnitsPerSecond, burst ?? writeUnitsPerSecond);

    /// <summary>How often an operation was asked for.</summary>
    public long Requests(string operation) => _byOperation.GetValueOrDefault(operation);

    /// <summary>Cuts the connections of the next requests: before the server gets them, or after it has.</summary>
    public void CutNext(int requests, bool afterServer) => Interlocked.Add(ref afterServer ? ref _cutAfter : ref _cutBefore, requests);

    /// <summary>Cuts the connections of all requests under way.</summary>
    public void CutOpen()
    {
        foreach (HttpContext context in _open.Keys)
        {
            Cut(context);
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
        string operation = context.Request.Headers["X-Amz-Target"].ToString().Split('.')[^1];
        Interlocked.Increment(ref _requests);
        _byOperation.AddOrUpdate(operation, 1, static (_, count) => count + 1);
        _open[context] = 0;
        try
        {
            using var buffer = new MemoryStream();
            await context.Request.Body.CopyToAsync(buffer, context.RequestAborted);
            if (TryCount(ref _cutBefore))
            {
                Cut(context);
                return;
            }

            await (operation switch
            {
                "UpdateItem" or "PutItem" or "DeleteItem" => WriteAsync(context, buffer.ToArray()),
                "BatchExecuteStatement" => WriteBatchAsync(context, buffer.ToArray()),
                "DescribeTable" => DescribeAsync(context, buffer.ToArray()),
                _ => PassAsync(context, buffer.ToArray()),
            });
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // the client has gone, or was cut off
        }
        finally
        {
            _open.TryRemove(context, out _);
        }
    }

    private async Task WriteAsync(HttpContext context, byte[] body)
    {
        if (_bucket.TryTake(1))
        {
            Interlocked.Increment(ref _writeUnits);
            await PassAsync(context, body);
            return;
        }

        Interlocked.Increment(ref _throttled);
        string table = JsonNode.Parse(body)!["TableName"]!.GetValue<string>();
        var answer = new JsonObject
        {
            ["__type"] = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            ["message"] = "The level of configured provisioned throughput for the table was exceeded.",
            ["ThrottlingReasons"] = new JsonArray(new JsonObject
            {
                ["reason"] = ThrottlingReason,
                ["resource"] = $"arn:aws:dynamodb:us-east-1:000000000000:table/{table}",
            }),
        };
        await AnswerAsync(context, 400, answer.ToJsonString());
    }

    private async Task WriteBatchAsync(HttpContext context, byte[] body)
    {
        var batch = new StatementBatch(body, () => _bucket.TryTake(1));
        Interlocked.Add(ref _writeUnits, batch.Writes);
        Interlocked.Add(ref _throttled, batch.Throttled);
        if (batch.IsWhole)
        {
            await PassAsync(context, body);
            return;
        }

        byte[]? rest = null;
        if (!batch.IsEmpty)
        {
            using HttpResponseMessage response = await SendAsync(context, batch.Rest());
            rest = await response.Content.ReadAsByteArrayAsync(context.RequestAborted);
            if (!response.IsSuccessStatusCode)
            {
                await AnswerAsync(context, (int)response.StatusCode, System.Text.Encoding.UTF8.GetString(rest));
                return;
            }
        }

        await AnswerAsync(context, 200, batch.Answer(rest, StatementErrorCode));
    }

    private async Task DescribeAsync(HttpContext context, byte[] body)
    {
        double rate = _bucket.Rate;
        using HttpResponseMessage response = await SendAsync(context, body);
        string answer = await response.Content.ReadAsStringAsync(context.RequestAborted);
        if (response.IsSuccessStatusCode && !double.IsPositiveInfinity(rate))
        {
            JsonNode root = JsonNode.Parse(answer)!;
            JsonObject table = root["Table"]!.AsObject();
            table.Remove("BillingModeSummary");
            table["ProvisionedThroughput"] = new JsonObject
            {
                ["NumberOfDecreasesToday"] = 0,
                ["ReadCapacityUnits"] = 40_000,
                ["WriteCapacityUnits"] = (long)Math.Ceiling(rate),
            };
            answer = root.ToJsonString();
        }

        await AnswerAsync(context, (int)response.StatusCode, answer);
    }

    private async Task PassAsync(HttpContext context, byte[] body)
    {
        using HttpResponseMessage response = await SendAsync(context, body);
        if (TryCount(ref _cutAfter))
        {
            Cut(context);
            return;
        }

        await WaitAsync(context);
        context.Response.StatusCode = (int)response.StatusCode;
        context.Response.ContentType = ContentType;
        if (response.Headers.TryGetValues("x-amz-crc32", out IEnumerable<string>? checksum))
        {
            context.Response.Headers["x-amz-crc32"] = checksum.Single();
        }

        await response.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpContext context, byte[] body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _target) { Content = new ByteArrayContent(body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", ContentType);
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues value) in context.Request.Headers)
        {
            if (!name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase) && name is not ("Host" or "Connection"))
            {
                request.Headers.TryAddWithoutValidation(name, value.ToString());
            }
        }

        // what the server has begun it ends, whether or not the client waits for it
        HttpResponseMessage response = await _client.SendAsync(request, CancellationToken.None);
        await response.Content.LoadIntoBufferAsync(CancellationToken.None);
        return response;
    }

    private async Task AnswerAsync(HttpContext context, int status, string body)
    {
        if (TryCount(ref _cutAfter))
        {
            Cut(context);
            return;
        }

        await WaitAsync(context);
        context.Response.StatusCode = status;
        context.Response.ContentType = ContentType;
        await context.Response.WriteAsync(body, context.RequestAborted);
    }

    private Task WaitAsync(HttpContext context) =>
        Latency > TimeSpan.Zero ? Task.Delay(Latency, _timeProvider, context.RequestAborted) : Task.CompletedTask;

    private void Cut(HttpContext context)
    {
        Interlocked.Increment(ref _cut);
        context.Abort();
    }

    /// <summary>True where there is one left of a count, which is one less then.</summary>
    private static bool TryCount(ref int left)
    {
        int seen = Volatile.Read(ref left);
        while (seen > 0)
        {
            int before = Interlocked.CompareExchange(ref left, seen - 1, seen);
            if (before == seen)
            {
                return true;
            }

            seen = before;
        }

        return false;
    }
}
