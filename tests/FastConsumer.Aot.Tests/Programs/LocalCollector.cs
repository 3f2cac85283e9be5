using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace FastConsumer.Aot.Tests.Programs;

/// <summary>Takes what OpenTelemetry sends as OTLP over HTTP, on a loopback port.</summary>
internal sealed class LocalCollector : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly ConcurrentQueue<(string Path, string Content)> _received = new();

    private LocalCollector(WebApplication server) => _server = server;

    public string ServiceUrl => _server.Urls.Single();

    public static async Task<LocalCollector> StartAsync(CancellationToken cancellationToken)
    {
        WebApplication server = WebApplication.CreateSlimBuilder().Build();
        var collector = new LocalCollector(server);
        server.Urls.Add("http://127.0.0.1:0");
        server.MapPost("/v1/{signal}", collector.ReceiveAsync);
        await server.StartAsync(cancellationToken);
        return collector;
    }

    /// <summary>Whether a text was among what was sent; protobuf holds texts as they are.</summary>
    /// <param name="signal"><c>metrics</c> or <c>logs</c>.</param>
    /// <param name="text">Such as a metric's name.</param>
    public bool Has(string signal, string text) =>
        _received.Any(sent => sent.Path == $"/v1/{signal}" && sent.Content.Contains(text, StringComparison.Ordinal));

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task ReceiveAsync(HttpContext context)
    {
        using var content = new MemoryStream();
        await context.Request.Body.CopyToAsync(content, context.RequestAborted);
        _received.Enqueue((context.Request.Path.Value!, Encoding.Latin1.GetString(content.ToArray())));
        context.Response.ContentType = "application/x-protobuf";
    }
}
