using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FastConsumer.Testing.S3;

/// <summary>A request's body: read, freed of the frames of <c>aws-chunked</c>, and compared with every checksum that came along.</summary>
internal static class S3Body
{
    private const string ContentSha256 = "x-amz-content-sha256";

    /// <summary>The body, and the checksum that the client gave, where it gave one.</summary>
    public static async Task<(byte[] Content, (S3Checksum Algorithm, string Value)? Checksum)> ReadAsync(
        S3Request request, CancellationToken cancellationToken)
    {
        byte[] raw = await ReadRawAsync(request, cancellationToken);
        string hash = request.Header(ContentSha256) ?? "";
        Dictionary<string, string> trailers = new(StringComparer.OrdinalIgnoreCase);
        byte[] content = raw;
        bool isChunked = hash.StartsWith("STREAMING-", StringComparison.Ordinal)
            || (request.Header("Content-Encoding") ?? "").Contains("aws-chunked", StringComparison.OrdinalIgnoreCase);
        if (isChunked)
        {
            content = Unframe(raw, trailers);
            if (request.Header("x-amz-decoded-content-length") is { } length
                && length != content.Length.ToString(CultureInfo.InvariantCulture))
            {
                throw IncompleteBody();
            }
        }
        else if (hash.Length == 64 && Convert.ToHexStringLower(SHA256.HashData(content)) != hash)
        {
            throw new S3Exception(
                "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", 400);
        }

        if (request.Header("Content-MD5") is { } md5 && md5 != Convert.ToBase64String(S3Object.Md5(content)))
        {
            throw S3Exception.BadDigest("Content-MD5");
        }

        return (content, Verify(request, trailers, content));
    }

    private static (S3Checksum Algorithm, string Value)? Verify(
        S3Request request, Dictionary<string, string> trailers, byte[] content)
    {
        foreach (string name in (request.Header("x-amz-trailer") ?? "").Split(
            ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!trailers.ContainsKey(name))
            {
                throw new S3Exception("MalformedTrailerError", "The request contained trailing data that was not well-formed.", 400);
            }
        }

        (S3Checksum Algorithm, string Value)? given = null;
        foreach (S3Checksum checksum in S3Checksum.All)
        {
            string? value = request.Header(checksum.Header) ?? trailers.GetValueOrDefault(checksum.Header);
            if (value is null)
            {
                continue;
            }

            if (given is not null)
            {
                throw S3Exception.InvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
            }

            // of an upload that is completed the header is about the object, not about the body
            if (request.Operation != "CompleteMultipartUpload" && value != checksum.Compute(content))
            {
                throw S3Exception.BadDigest(checksum.Name);
            }

            given = (checksum, value);
        }

        return given;
    }

    private static async Task<byte[]> ReadRawAsync(S3Request request, CancellationToken cancellationToken)
    {
        long length = request.Http.ContentLength ?? 0;
        using var buffer = new MemoryStream((int)Math.Min(length, Array.MaxLength));
        await request.Http.Body.CopyToAsync(buffer, cancellationToken);
        return buffer.Length == buffer.Capacity ? buffer.GetBuffer() : buffer.ToArray();
    }

    /// <summary>Frames are <c>size-in-hex[;chunk-signature=...] CRLF bytes CRLF</c>; the last has size 0, and trailers follow it.</summary>
    private static byte[] Unframe(byte[] raw, Dictionary<string, string> trailers)
    {
        using var content = new MemoryStream(raw.Length);
        int at = 0;
        while (true)
        {
            string head = Line(raw, ref at);
            if (!int.TryParse(
                head.Split(';')[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int size)
                || size < 0 || size > raw.Length - at)
            {
                throw IncompleteBody();
            }

            if (size == 0)
            {
                break;
            }

            content.Write(raw, at, size);
            at += size;
            if (Line(raw, ref at).Length > 0)
            {
                throw IncompleteBody();
            }
        }

        while (at < raw.Length && Line(raw, ref at) is { Length: > 0 } trailer)
        {
            string[] sides = trailer.Split(':', 2);
            trailers[sides[0].Trim()] = sides.Length == 2 ? sides[1].Trim() : "";
        }

        return content.ToArray();
    }

    private static string Line(byte[] raw, ref int at)
    {
        int length = raw.AsSpan(at).IndexOf("\r\n"u8);
        if (length < 0)
        {
            throw IncompleteBody();
        }

        string line = Encoding.ASCII.GetString(raw, at, length);
        at += length + 2;
        return line;
    }

    private static S3Exception IncompleteBody() => new(
        "IncompleteBody", "The request body terminated unexpectedly", 400);
}
