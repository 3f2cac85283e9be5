using System.Buffers;
using System.Net;
using FastConsumer.Kinesis;
using FastConsumer.LoadTest.Replay;

namespace FastConsumer.LoadTest.Read;

/// <summary>
/// The floor: HttpClient reads the same answers over the same connections into one pooled buffer, and throws them away. Its
/// requests are as long as the others', but nothing in them is computed.
/// </summary>
internal static class DrainReader
{
    private const int LargestAnswer = 16 * 1024 * 1024;

    public static async Task RunAsync(string url, ReadSettings settings, Meter meter, CancellationToken cancellationToken)
    {
        using var client = new HttpClient(KinesisConnections.Create(useProxy: false)) { Timeout = Timeout.InfiniteTimeSpan };
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] shards = [
            .. Enumerable.Range(0, settings.Shards).Select(_ => DrainShardAsync(client, new Uri(url), settings, meter, ended.Token))];
        await await Task.WhenAny([meter.Ended, .. shards]);
        await ended.CancelAsync();
        await Task.WhenAll(shards).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task DrainShardAsync(
        HttpClient client, Uri uri, ReadSettings settings, Meter meter, CancellationToken cancellationToken)
    {
        // ten MiB and its JSON
        byte[] array = ArrayPool<byte>.Shared.Rent(LargestAnswer);
        using var buffer = new MemoryStream(array);
        byte[] body = new byte[ReplayToken.Length + 32];
        string mediaType = settings.IsCbor ? "application/x-amz-cbor-1.1" : "application/x-amz-json-1.1";
        string authorization = "AWS4-HMAC-SHA256 Credential=load/20261120/us-east-1/kinesis/aws4_request, "
            + "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=" + new string('0', 64);
        for (long answer = 0; !meter.Ended.IsCompleted; answer++)
        {
            ReplayToken.Write(body, answer);
            using var request = new HttpRequestMessage(HttpMethod.Post, uri)
            {
                Version = HttpVersion.Version11,
                Content = new ByteArrayContent(body),
            };
            request.Content.Headers.TryAddWithoutValidation("Content-Type", mediaType);
            request.Headers.TryAddWithoutValidation("X-Amz-Date", "20261120T000000Z");
            request.Headers.TryAddWithoutValidation("X-Amz-Target", "Kinesis_20131202.GetRecords");
            request.Headers.TryAddWithoutValidation("User-Agent", "drain");
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
            using HttpResponseMessage response = await client.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            buffer.Position = 0;
            await using Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            await stream.CopyToAsync(buffer, KinesisAnswers.CopyBufferLength, cancellationToken);
            meter.Add(settings.PerAnswer, (long)settings.PerAnswer * settings.Size);
        }
    }
}
