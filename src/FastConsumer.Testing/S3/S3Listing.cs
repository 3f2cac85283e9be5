using System.Globalization;
using System.Text;
using System.Xml;

namespace FastConsumer.Testing.S3;

/// <summary>ListObjectsV2.</summary>
internal static class S3Listing
{
    private const int MaxKeys = 1000;

    public static S3Answer List(S3Bucket bucket, S3Request request)
    {
        string prefix = request.Query("prefix") ?? "";
        string delimiter = request.Query("delimiter") ?? "";
        bool isEncoded = request.Query("encoding-type") is "url";
        int max = MaxKeysOf(request, "max-keys");
        string? token = request.Query("continuation-token");
        (string after, string passed) = token is null ? (request.Query("start-after") ?? "", "") : Read(token);

        List<S3Object> objects = [];
        List<string> folders = [];
        string? next = null;
        foreach (S3Object one in bucket.List(prefix, after))
        {
            string? folder = FolderOf(one.Key, prefix, delimiter);
            if (passed.Length > 0 && one.Key.StartsWith(passed, StringComparison.Ordinal)
                || (folder is not null && folders.Count > 0 && folders[^1] == folder))
            {
                continue;
            }

            if (objects.Count + folders.Count == max)
            {
                // where nothing is asked for, nothing is left out
                next = max == 0 ? null : Token(objects, folders);
                break;
            }

            if (folder is null)
            {
                objects.Add(one);
            }
            else
            {
                folders.Add(folder);
            }
        }

        return S3Answer.Xml(S3Xml.Write("ListBucketResult", xml =>
        {
            xml.Element("Name", bucket.Name);
            xml.Element("Prefix", Shown(prefix, isEncoded));
            xml.Element("Delimiter", delimiter.Length == 0 ? null : Shown(delimiter, isEncoded));
            xml.Element("StartAfter", request.Query("start-after") is { } start ? Shown(start, isEncoded) : null);
            xml.Element("ContinuationToken", token);
            xml.Element("NextContinuationToken", next);
            xml.Element("KeyCount", objects.Count + folders.Count);
            xml.Element("MaxKeys", max);
            xml.Element("EncodingType", isEncoded ? "url" : null);
            xml.Element("IsTruncated", next is not null);
            foreach (S3Object one in objects)
            {
                Write(xml, one, isEncoded);
            }

            foreach (string folder in folders)
            {
                xml.WriteStartElement("CommonPrefixes");
                xml.Element("Prefix", Shown(folder, isEncoded));
                xml.WriteEndElement();
            }
        }));
    }

    public static int MaxKeysOf(S3Request request, string name)
    {
        string? text = request.Query(name);
        if (text is null)
        {
            return MaxKeys;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int max)
            ? Math.Min(max, MaxKeys)
            : throw S3Exception.InvalidArgument($"Provided {name} not an integer or within integer range", name, text);
    }

    public static string Shown(string text, bool isEncoded) =>
        isEncoded ? Uri.EscapeDataString(text).Replace("%2F", "/", StringComparison.Ordinal) : text;

    private static void Write(XmlWriter xml, S3Object one, bool isEncoded)
    {
        xml.WriteStartElement("Contents");
        xml.Element("Key", Shown(one.Key, isEncoded));
        xml.Element("LastModified", one.LastModified);
        xml.Element("ETag", S3Objects.Quoted(one.ETag));
        xml.Element("ChecksumAlgorithm", one.Checksum.Name);
        xml.Element("ChecksumType", one.IsFullChecksum ? "FULL_OBJECT" : "COMPOSITE");
        xml.Element("Size", one.Content.Length);
        xml.Element("StorageClass", "STANDARD");
        xml.WriteEndElement();
    }

    /// <summary>What the key is summed up under; null where it is listed itself.</summary>
    private static string? FolderOf(string key, string prefix, string delimiter)
    {
        int end = delimiter.Length == 0 ? -1 : key.IndexOf(delimiter, prefix.Length, StringComparison.Ordinal);
        return end < 0 ? null : key[..(end + delimiter.Length)];
    }

    /// <summary>The last that was listed: a key, or a folder, of which nothing more is listed.</summary>
    private static string Token(List<S3Object> objects, List<string> folders)
    {
        string? key = objects.Count == 0 ? null : objects[^1].Key;
        string? folder = folders.Count == 0 ? null : folders[^1];
        bool isFolder = key is null || (folder is not null && string.CompareOrdinal(folder, key) > 0);
        return Convert.ToBase64String(Encoding.UTF8.GetBytes((isFolder ? "f" : "k") + (isFolder ? folder : key)));
    }

    private static (string After, string Passed) Read(string token)
    {
        Span<byte> bytes = new byte[token.Length];
        if (!Convert.TryFromBase64String(token, bytes, out int length) || length == 0 || bytes[0] is not ((byte)'f' or (byte)'k'))
        {
            throw S3Exception.InvalidArgument("The continuation token provided is incorrect", "continuation-token", token);
        }

        string text = Encoding.UTF8.GetString(bytes[1..length]);
        return (text, bytes[0] == 'f' ? text : "");
    }
}
