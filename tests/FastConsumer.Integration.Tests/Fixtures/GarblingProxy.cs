using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>Stands before a Kinesis that speaks JSON and makes every third NextShardIterator one that the server does not know.</summary>
internal sealed partial class GarblingProxy : IAsyncDisposable
{
    private const string Garbage = "AAAAAAAAAAFnYXJiYWdl";
    private const int GarbledEach = 3;

    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false });
    private readonly WebApplication _application;
    private readonly Uri _server;
    private int _answers;
    private int _garbled;

    private GarblingProxy(string serviceUrl)
    {
        _server = new Uri(serviceUrl);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _application = builder.Build();
        _application.Run(ForwardAsync);
    }

    public string ServiceUrl => _application.Urls.Single();

    /// <summary>How many iterators it has garbled.</summary>
    public int Garbled => Volatile.Read(ref _garbled);

    public static async Task<GarblingProxy> StartAsync(string serviceUrl, CancellationToken cancellationToken)
    {
        var proxy = new GarblingProxy(serviceUrl);
        await proxy._application.StartAsync(cancellationToken);
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _client.Dispose();
    }

    private async Task ForwardAsync(HttpContext context)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _server) { Content = new StreamContent(context.Request.Body) };
        foreach (var name in new[] { "Authorization", "X-Amz-Date", "X-Amz-Target" })
            request.Headers.TryAddWithoutValidation(name, context.Request.Headers[name].ToString());
        request.Content.Headers.TryAddWithoutValidation("Content-Type", context.Request.ContentType);
        request.Content.Headers.ContentLength = context.Request.ContentLength;
        using var response = await _client.SendAsync(request, context.RequestAborted);
        var body = await response.Content.ReadAsStringAsync(context.RequestAborted);
        if (context.Request.Headers["X-Amz-Target"].ToString().EndsWith(".GetRecords", StringComparison.Ordinal)
            && response.IsSuccessStatusCode
            && Interlocked.Increment(ref _answers) % GarbledEach == 0)
        {
            body = NextShardIterator().Replace(body, $"\"NextShardIterator\":\"{Garbage}\"");
            Interlocked.Increment(ref _garbled);
        }

        context.Response.StatusCode = (int)response.StatusCode;
        context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
        await context.Response.WriteAsync(body, context.RequestAborted);
    }

    [GeneratedRegex("\"NextShardIterator\":\"[^\"]*\"")]
    private static partial Regex NextShardIterator();
}
