using System.Net;
using System.Net.Http.Headers;
using FastConsumer.LoadTest.Replay;

namespace FastConsumer.LoadTest.Decode;

/// <summary>Answers each GetRecords from memory, in the encoding of the request, in pieces as a connection brings them.</summary>
internal sealed class MemoryHandler(int records, int size) : HttpMessageHandler
{
    private const string CborMediaType = "application/x-amz-cbor-1.1";
    private const string JsonMediaType = "application/x-amz-json-1.1";

    private readonly byte[] _cbor = ReplayAnswers.Whole(isCbor: true, records, size);
    private readonly byte[] _json = ReplayAnswers.Whole(isCbor: false, records, size);

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        bool isCbor = request.Content!.Headers.ContentType!.MediaType == CborMediaType;
        byte[] answer = isCbor ? _cbor : _json;
        var content = new StreamContent(new PiecewiseStream(answer));
        content.Headers.ContentLength = answer.Length;
        content.Headers.ContentType = new MediaTypeHeaderValue(isCbor ? CborMediaType : JsonMediaType);
        return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = content, RequestMessage = request });
    }

    /// <summary>At most as many bytes at once as a socket usually has.</summary>
    private sealed class PiecewiseStream(byte[] bytes) : MemoryStream(bytes, writable: false)
    {
        private const int LargestPiece = 64 * 1024;

        public override bool CanSeek => false;

        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, LargestPiece));

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, LargestPiece)]);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            base.ReadAsync(buffer, offset, Math.Min(count, LargestPiece), cancellationToken);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, LargestPiece)], cancellationToken);
    }
}
