using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>Stands before a Kinesis that speaks JSON and makes every third NextShardIterator one that the server does not know.</summary>
internal sealed partial class GarblingProxy : AwsProxy
{
    private const string Garbage = "AAAAAAAAAAFnYXJiYWdl";
    private const int GarbledEach = 3;

    private int _answers;
    private int _garbled;

    private GarblingProxy(string serviceUrl)
        : base(serviceUrl)
    {
    }

    /// <summary>How many iterators it has garbled.</summary>
    public int Garbled => Volatile.Read(ref _garbled);

    public static Task<GarblingProxy> StartAsync(string serviceUrl, CancellationToken cancellationToken) =>
        StartAsync(new GarblingProxy(serviceUrl), cancellationToken);

    protected override async Task AnswerAsync(HttpContext context)
    {
        using var response = await ForwardAsync(context);
        var body = await response.Content.ReadAsStringAsync(context.RequestAborted);
        if (Asks(context, "GetRecords") && response.IsSuccessStatusCode && Interlocked.Increment(ref _answers) % GarbledEach == 0)
        {
            body = NextShardIterator().Replace(body, $"\"NextShardIterator\":\"{Garbage}\"");
            Interlocked.Increment(ref _garbled);
        }

        await context.Response.WriteAsync(body, context.RequestAborted);
    }

    [GeneratedRegex("\"NextShardIterator\":\"[^\"]*\"")]
    private static partial Regex NextShardIterator();
}
