using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;

namespace FastConsumer.Dashboard.Tests.Hosting;

/// <summary>A page that is updated live.</summary>
internal sealed class LiveViewer : IAsyncDisposable
{
    private readonly HttpResponseMessage _answer;
    private readonly IAsyncEnumerator<SseItem<string>> _events;

    private LiveViewer(HttpResponseMessage answer, Stream body)
    {
        _answer = answer;
        _events = SseParser.Create(body).EnumerateAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator();
    }

    public static async Task<LiveViewer> OpenAsync(HttpClient client)
    {
        HttpResponseMessage answer = await client.GetAsync(
            new Uri("api/live", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        return new LiveViewer(answer, await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>False at the end of the stream.</summary>
    public async Task<bool> HasNextAsync() => await Eventually.WithinAsync(_events.MoveNextAsync().AsTask());

    /// <summary>The next state.</summary>
    public async Task<JsonElement> NextAsync()
    {
        Assert.True(await HasNextAsync());
        // without a name of its own, an event reaches a page's onmessage
        Assert.Equal("message", _events.Current.EventType);
        return JsonDocument.Parse(_events.Current.Data).RootElement;
    }

    public async ValueTask DisposeAsync()
    {
        await _events.DisposeAsync();
        _answer.Dispose();
    }
}
