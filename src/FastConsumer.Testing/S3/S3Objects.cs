using System.Globalization;
using System.Xml.Linq;
using Microsoft.AspNetCore.Http;

namespace FastConsumer.Testing.S3;

/// <summary>The operations on objects.</summary>
internal sealed class S3Objects(S3Account account)
{
    private const int MaxKeyBytes = 1024;

    public S3Answer Put(S3Bucket bucket, S3Request request, byte[] body, (S3Checksum Algorithm, string Value)? checksum)
    {
        if (request.Header("x-amz-copy-source") is not null)
        {
            throw S3Exception.NotImplemented("x-amz-copy-source");
        }

        CheckKey(request.Key);
        S3Object written = S3Object.Create(request.Key, body, account.Now(), checksum?.Algorithm) with
        {
            ContentType = request.Header("Content-Type"),
            Metadata = MetadataOf(request),
        };
        bucket.Put(written, ConditionOf(request));
        return new S3Answer()
            .With("ETag", Quoted(written.ETag))
            .With(written.Checksum.Header, written.ChecksumValue)
            .With("x-amz-checksum-type", "FULL_OBJECT");
    }

    public S3Answer Get(S3Bucket bucket, S3Request request)
    {
        S3Object found = bucket.Find(request.Key)
            ?? throw (account.IsDenied("s3:ListBucket")
                ? S3Exception.AccessDenied("s3:ListBucket", $"arn:aws:s3:::{bucket.Name}")
                : S3Exception.NoSuchKey(request.Key));
        if (request.Header("If-Match") is { } wanted && wanted != "*" && Unquoted(wanted) != found.ETag)
        {
            throw S3Exception.PreconditionFailed("If-Match");
        }

        if (request.Header("If-None-Match") is { } unwanted && (unwanted == "*" || Unquoted(unwanted) == found.ETag))
        {
            return new S3Answer(304).With("ETag", Quoted(found.ETag));
        }

        (long From, long Length)? range = RangeOf(request.Header("Range"), found.Content.Length);
        ReadOnlyMemory<byte> content = range is { } part ? found.Content.AsMemory((int)part.From, (int)part.Length) : found.Content;
        var answer = new S3Answer(range is null ? 200 : 206)
        {
            Body = HttpMethods.IsHead(request.Http.Method) ? default : content,
            Length = content.Length,
            ContentType = found.ContentType ?? "binary/octet-stream",
        };
        foreach ((string name, string value) in found.Metadata)
        {
            answer.With(name, value);
        }

        answer
            .With("ETag", Quoted(found.ETag))
            .With("Last-Modified", found.LastModified.ToString("R", CultureInfo.InvariantCulture))
            .With("Accept-Ranges", "bytes");
        if (range is { } shown)
        {
            answer.With("Content-Range", $"bytes {shown.From}-{shown.From + shown.Length - 1}/{found.Content.Length}");
        }

        // a checksum is of the whole
        return range is null && string.Equals(request.Header("x-amz-checksum-mode"), "ENABLED", StringComparison.OrdinalIgnoreCase)
            ? answer
                .With(found.Checksum.Header, found.ChecksumValue)
                .With("x-amz-checksum-type", found.IsFullChecksum ? "FULL_OBJECT" : "COMPOSITE")
            : answer;
    }

    public static S3Answer Delete(S3Bucket bucket, S3Request request)
    {
        bucket.Delete(request.Key);
        return new S3Answer(204);
    }

    public static S3Answer DeleteMany(S3Bucket bucket, S3Request request, byte[] body, bool hasChecksum)
    {
        if (!hasChecksum && request.Header("Content-MD5") is null)
        {
            throw S3Exception.InvalidRequest("Missing required header for this request: Content-MD5");
        }

        XElement document = S3Xml.Read(body, "Delete");
        string[] keys = [.. document.All("Object").Select(static one => one.Text("Key") ?? throw S3Exception.MalformedXml())];
        if (keys.Length is 0 or > 1000)
        {
            throw S3Exception.MalformedXml();
        }

        foreach (string key in keys)
        {
            bucket.Delete(key);
        }

        bool isQuiet = document.Text("Quiet") == "true";
        return S3Answer.Xml(S3Xml.Write("DeleteResult", xml =>
        {
            foreach (string key in isQuiet ? [] : keys)
            {
                xml.WriteStartElement("Deleted");
                xml.Element("Key", key);
                xml.WriteEndElement();
            }
        }));
    }

    public static void CheckKey(string key)
    {
        int bytes = System.Text.Encoding.UTF8.GetByteCount(key);
        if (bytes > MaxKeyBytes)
        {
            throw new S3Exception(
                "KeyTooLongError",
                "Your key is too long",
                400,
                ("Size", bytes.ToString(CultureInfo.InvariantCulture)),
                ("MaxSizeAllowed", MaxKeyBytes.ToString(CultureInfo.InvariantCulture)));
        }
    }

    public static S3WriteCondition ConditionOf(S3Request request)
    {
        string? none = request.Header("If-None-Match");
        return none is null or "*"
            ? new S3WriteCondition(none is not null, request.Header("If-Match") is { } match ? Unquoted(match) : null)
            : throw S3Exception.NotImplemented("If-None-Match");
    }

    public static Dictionary<string, string> MetadataOf(S3Request request) => request.Http.Headers
        .Where(static header => header.Key.StartsWith("x-amz-meta-", StringComparison.OrdinalIgnoreCase)
            || header.Key.Equals("Cache-Control", StringComparison.OrdinalIgnoreCase))
        .ToDictionary(static header => header.Key.ToLowerInvariant(), static header => header.Value.ToString());

    public static string Quoted(string etag) => $"\"{etag}\"";

    public static string Unquoted(string etag) => etag.Trim('"');

    /// <summary>Null for the whole, also where the header has no form that the service takes.</summary>
    private static (long From, long Length)? RangeOf(string? header, long length)
    {
        const string Unit = "bytes=";
        if (header is null || !header.StartsWith(Unit, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        string[] sides = header[Unit.Length..].Split('-');
        if (sides.Length != 2
            || !long.TryParse(sides[0].Length == 0 ? "0" : sides[0], NumberStyles.None, CultureInfo.InvariantCulture, out long from)
            || !long.TryParse(
                sides[1].Length == 0 ? $"{long.MaxValue}" : sides[1], NumberStyles.None, CultureInfo.InvariantCulture, out long to)
            || (sides[0].Length == 0 && sides[1].Length == 0))
        {
            return null;
        }

        if (sides[0].Length == 0)
        {
            from = Math.Max(0, length - to);
            to = to == 0 ? -1 : length - 1;
        }
        else if (to < from)
        {
            return null;
        }

        return from < length && to >= from
            ? (from, Math.Min(to, length - 1) - from + 1)
            : throw new S3Exception(
                "InvalidRange",
                "The requested range is not satisfiable",
                416,
                ("RangeRequested", header),
                ("ActualObjectSize", length.ToString(CultureInfo.InvariantCulture)));
    }
}
