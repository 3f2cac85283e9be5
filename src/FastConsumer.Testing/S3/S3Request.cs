using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace FastConsumer.Testing.S3;

/// <summary>What a request asks for: operation, bucket and key, found by method, path, query and Host header.</summary>
internal sealed partial class S3Request
{
    private readonly Dictionary<string, string> _query = new(StringComparer.Ordinal);

    public S3Request(HttpContext context)
    {
        Http = context.Request;
        string target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        int question = target.IndexOf('?', StringComparison.Ordinal);
        string path = question < 0 ? target : target[..question];
        foreach (string pair in question < 0 ? [] : target[(question + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] sides = pair.Split('=', 2);
            _query[Decoded(sides[0])] = sides.Length == 2 ? Decoded(sides[1]) : "";
        }

        path = path.TrimStart('/');
        if (BucketOf(Http.Host.Host) is { } bucket)
        {
            Bucket = bucket;
            Key = Uri.UnescapeDataString(path);
        }
        else
        {
            string[] parts = path.Split('/', 2);
            Bucket = Uri.UnescapeDataString(parts[0]);
            Key = parts.Length == 2 ? Uri.UnescapeDataString(parts[1]) : "";
        }

        Operation = Bucket.Length == 0 ? ServiceOperation() : Key.Length == 0 ? BucketOperation() : ObjectOperation();

        static string Decoded(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
    }

    public HttpRequest Http { get; }

    /// <summary>Empty for requests about the account.</summary>
    public string Bucket { get; }

    /// <summary>Empty for requests about a bucket.</summary>
    public string Key { get; }

    /// <summary>The operation's name; empty where there is none of this kind.</summary>
    public string Operation { get; }

    /// <summary>The IAM action that the operation needs.</summary>
    public string Action => Operation switch
    {
        "PutObject" or "CreateMultipartUpload" or "UploadPart" or "CompleteMultipartUpload" => "s3:PutObject",
        "GetObject" or "HeadObject" => "s3:GetObject",
        "DeleteObject" or "DeleteObjects" => "s3:DeleteObject",
        "ListObjectsV2" or "HeadBucket" => "s3:ListBucket",
        "ListParts" => "s3:ListMultipartUploadParts",
        "ListMultipartUploads" => "s3:ListBucketMultipartUploads",
        "ListBuckets" => "s3:ListAllMyBuckets",
        _ => $"s3:{Operation}",
    };

    /// <summary>The ARN of what is asked for.</summary>
    public string Resource => Bucket.Length == 0 ? "*" : Key.Length == 0 ? $"arn:aws:s3:::{Bucket}" : $"arn:aws:s3:::{Bucket}/{Key}";

    /// <summary>The region of the signature; null where the request is signed without one, and empty where it is not signed.</summary>
    public string? SignatureRegion
    {
        get
        {
            string header = Http.Headers.Authorization.ToString();
            string credential = CredentialInHeader().Match(header) is { Success: true } match
                ? match.Groups[1].Value
                : _query.GetValueOrDefault("X-Amz-Credential", "");
            string[] scope = credential.Split('/');
            return scope.Length == 5 ? scope[2]
                : header.Length > 0 || _query.ContainsKey("X-Amz-Signature") || _query.ContainsKey("Signature") ? null : "";
        }
    }

    public string? Query(string name) => _query.GetValueOrDefault(name);

    public string? Header(string name) => Http.Headers.TryGetValue(name, out var value) ? value.ToString() : null;

    private static string? BucketOf(string host) => HostWithBucket().Match(host) is { Success: true } match ? match.Groups[1].Value : null;

    private string ServiceOperation() => HttpMethods.IsGet(Http.Method) ? "ListBuckets" : "";

    private string BucketOperation() => Http.Method switch
    {
        "GET" when _query.ContainsKey("location") => "GetBucketLocation",
        "GET" when _query.ContainsKey("uploads") => "ListMultipartUploads",
        "GET" when Query("list-type") == "2" => "ListObjectsV2",
        "PUT" when _query.Keys.All(static key => key == "x-id") => "CreateBucket",
        "HEAD" => "HeadBucket",
        "DELETE" when _query.Keys.All(static key => key == "x-id") => "DeleteBucket",
        "POST" when _query.ContainsKey("delete") => "DeleteObjects",
        _ => "",
    };

    private string ObjectOperation()
    {
        if (_query.Keys.Any(static key => key is "acl" or "tagging" or "attributes" or "retention" or "legal-hold" or "restore" or "select"
            or "torrent" or "versionId"))
        {
            return "";
        }

        return Http.Method switch
        {
            "GET" => _query.ContainsKey("uploadId") ? "ListParts" : "GetObject",
            "HEAD" => "HeadObject",
            "PUT" => _query.ContainsKey("uploadId") ? "UploadPart" : "PutObject",
            "DELETE" => _query.ContainsKey("uploadId") ? "AbortMultipartUpload" : "DeleteObject",
            "POST" when _query.ContainsKey("uploads") => "CreateMultipartUpload",
            "POST" when _query.ContainsKey("uploadId") => "CompleteMultipartUpload",
            _ => "",
        };
    }

    [GeneratedRegex(@"Credential=([^,\s]+)")]
    private static partial Regex CredentialInHeader();

    [GeneratedRegex(@"^(.+)\.(?:localhost|s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com)$", RegexOptions.IgnoreCase)]
    private static partial Regex HostWithBucket();
}
