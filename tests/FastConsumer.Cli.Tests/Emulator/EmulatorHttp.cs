using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace FastConsumer.Cli.Tests.Emulator;

/// <summary>Calls an emulator over HTTP, without a signature.</summary>
internal sealed class EmulatorHttp(string endpoint) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri(endpoint) };

    /// <summary>The answer, which must be a success.</summary>
    public async Task<JsonElement> CallAsync(string operation, string json)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(json)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-amz-json-1.1");
        request.Headers.Add("X-Amz-Target", "Kinesis_20131202." + operation);
        using HttpResponseMessage response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return response.IsSuccessStatusCode
            ? text.Length == 0 ? default : JsonDocument.Parse(text).RootElement
            : throw new InvalidOperationException($"{operation}: {response.StatusCode} {text}");
    }

    public void Dispose() => _http.Dispose();
}
