using FastConsumer.Shared.Hosts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>Stands before an AWS service that speaks JSON, on a free loopback port, and passes its calls on.</summary>
internal abstract class AwsProxy : IAsyncDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false });
    private readonly WebApplication _application;
    private readonly Uri _server;

    protected AwsProxy(string serviceUrl)
    {
        _server = new Uri(serviceUrl);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _application = builder.Build();
        _application.Run(AnswerAsync);
    }

    public string ServiceUrl => _application.Urls.Single();

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _client.Dispose();
    }

    protected static async Task<TProxy> StartAsync<TProxy>(TProxy proxy, CancellationToken cancellationToken)
        where TProxy : AwsProxy
    {
        await proxy._application.StartAsync(cancellationToken);
        return proxy;
    }

    /// <summary>True for calls of this operation.</summary>
    protected static bool Asks(HttpContext context, string operation) =>
        context.Request.Headers["X-Amz-Target"].ToString().EndsWith($".{operation}", StringComparison.Ordinal);

    protected abstract Task AnswerAsync(HttpContext context);

    /// <summary>The server's answer; its status and type stand in the context's response already.</summary>
    protected async Task<HttpResponseMessage> ForwardAsync(HttpContext context)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _server) { Content = new StreamContent(context.Request.Body) };
        foreach (var name in new[] { "Authorization", "X-Amz-Date", "X-Amz-Target" })
            request.Headers.TryAddWithoutValidation(name, context.Request.Headers[name].ToString());
        request.Content.Headers.TryAddWithoutValidation("Content-Type", context.Request.ContentType);
        request.Content.Headers.ContentLength = context.Request.ContentLength;
        var response = await _client.SendAsync(request, context.RequestAborted);
        context.Response.StatusCode = (int)response.StatusCode;
        context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
        return response;
    }
}
