using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace FastConsumer.Testing.Tests.Wire;

/// <summary>Speaks to the server with HttpClient and nothing else: what is sent and received is visible in the test.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly Version _version;

    public RawClient(string url, Version? version = null)
    {
        _version = version ?? HttpVersion.Version11;
        _http = new HttpClient { BaseAddress = new Uri(url), Timeout = TimeSpan.FromMinutes(2) };
    }

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public Task<HttpResponseMessage> SendAsync(
        string operation, byte[] body, string contentType, Action<HttpRequestMessage>? adjust = null) =>
        SendAsync(operation, body, contentType, HttpCompletionOption.ResponseContentRead, adjust);

    public Task<HttpResponseMessage> SendAsync(
        string operation, byte[] body, string contentType, HttpCompletionOption completion, Action<HttpRequestMessage>? adjust = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/")
        {
            Version = _version,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        request.Headers.Add("X-Amz-Target", "Kinesis_20131202." + operation);
        adjust?.Invoke(request);
        return _http.SendAsync(request, completion, Cancellation);
    }

    public async Task<RawAnswer> JsonAsync(string operation, string json)
    {
        using HttpResponseMessage response = await SendAsync(operation, Encoding.UTF8.GetBytes(json), "application/x-amz-json-1.1");
        string text = await response.Content.ReadAsStringAsync(Cancellation);
        return new RawAnswer(response.StatusCode, response.Version, response.Content.Headers.ContentType?.ToString(), text);
    }

    /// <summary>The answer's root, which must be a success.</summary>
    public async Task<JsonElement> OkAsync(string operation, string json)
    {
        RawAnswer answer = await JsonAsync(operation, json);
        Assert.True(answer.Status == HttpStatusCode.OK, $"{operation}: {answer.Status} {answer.Text}");
        return answer.Text.Length == 0 ? default : answer.Root;
    }

    /// <summary>The answer's message, which must be a refusal of the given name.</summary>
    public async Task<string> RefusedAsync(
        string operation, string json, string errorCode, HttpStatusCode status = HttpStatusCode.BadRequest)
    {
        RawAnswer answer = await JsonAsync(operation, json);
        Assert.True(answer.Status == status, $"{operation}: {answer.Status} {answer.Text}");
        Assert.Equal(errorCode, answer.Root.GetProperty("__type").GetString());
        return answer.Root.GetProperty("message").GetString()!;
    }

    public async Task<(HttpStatusCode Status, object? Root, byte[] Bytes)> CborAsync(string operation, object request)
    {
        using HttpResponseMessage response = await SendAsync(operation, RawCbor.Write(request), "application/x-amz-cbor-1.1");
        byte[] bytes = await response.Content.ReadAsByteArrayAsync(Cancellation);
        Assert.Equal("application/x-amz-cbor-1.1", response.Content.Headers.ContentType?.ToString());
        return (response.StatusCode, bytes.Length == 0 ? null : RawCbor.Read(bytes), bytes);
    }

    public async Task<string> IteratorAsync(string stream, string shardId, string type = "TRIM_HORIZON", string more = "")
    {
        JsonElement answer = await OkAsync(
            "GetShardIterator",
            $$"""{"StreamName":"{{stream}}","ShardId":"{{shardId}}","ShardIteratorType":"{{type}}"{{more}}}""");
        return answer.GetProperty("ShardIterator").GetString()!;
    }

    public Task<JsonElement> RecordsAsync(string iterator, int? limit = null) =>
        OkAsync("GetRecords", $$"""{"ShardIterator":"{{iterator}}"{{(limit is null ? "" : $",\"Limit\":{limit}")}}}""");

    public void Dispose() => _http.Dispose();
}

internal sealed record RawAnswer(HttpStatusCode Status, Version Version, string? ContentType, string Text)
{
    public JsonElement Root => JsonDocument.Parse(Text).RootElement;
}
