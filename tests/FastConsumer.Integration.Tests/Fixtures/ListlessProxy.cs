using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>Stands before a DynamoDB and, while it is told to, throttles whoever lists a table: rows are written and read one by one all the same.</summary>
internal sealed class ListlessProxy : IAsyncDisposable
{
    private const string Throttled =
        """{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"The level of configured provisioned throughput for the table was exceeded."}""";

    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false });
    private readonly WebApplication _application;
    private readonly Uri _server;
    private volatile bool _throttles;

    private ListlessProxy(string serviceUrl)
    {
        _server = new Uri(serviceUrl);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _application = builder.Build();
        _application.Run(ForwardAsync);
    }

    public string ServiceUrl => _application.Urls.Single();

    public bool Throttles
    {
        get => _throttles;
        set => _throttles = value;
    }

    public static async Task<ListlessProxy> StartAsync(string serviceUrl, CancellationToken cancellationToken)
    {
        var proxy = new ListlessProxy(serviceUrl);
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
        if (Throttles && context.Request.Headers["X-Amz-Target"].ToString().EndsWith(".Scan", StringComparison.Ordinal))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            context.Response.ContentType = "application/x-amz-json-1.0";
            await context.Response.WriteAsync(Throttled, context.RequestAborted);
            return;
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, _server) { Content = new StreamContent(context.Request.Body) };
        foreach (var name in new[] { "Authorization", "X-Amz-Date", "X-Amz-Target" })
            request.Headers.TryAddWithoutValidation(name, context.Request.Headers[name].ToString());
        request.Content.Headers.TryAddWithoutValidation("Content-Type", context.Request.ContentType);
        request.Content.Headers.ContentLength = context.Request.ContentLength;
        using var response = await _client.SendAsync(request, context.RequestAborted);
        context.Response.StatusCode = (int)response.StatusCode;
        context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
        await response.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
