using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace FastConsumer.Testing.S3;

/// <summary>All buckets, and what the account may not do. Thread-safe.</summary>
internal sealed partial class S3Account(EmbeddedS3Options options)
{
    private readonly ConcurrentDictionary<string, S3Bucket> _buckets = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _denied = new(StringComparer.OrdinalIgnoreCase);
    private readonly Lock _lock = new();
    private readonly Random _random = new(options.Seed);

    public IReadOnlyList<S3Bucket> Buckets => [.. _buckets.Values.OrderBy(static bucket => bucket.Name, StringComparer.Ordinal)];

    /// <summary>The service tells times in whole seconds in headers and with zeros in XML.</summary>
    public DateTimeOffset Now() => DateTimeOffset.FromUnixTimeSeconds(options.TimeProvider.GetUtcNow().ToUnixTimeSeconds());

    public string NewUploadId()
    {
        Span<byte> bytes = stackalloc byte[48];
        lock (_lock)
        {
            _random.NextBytes(bytes);
        }

        return Convert.ToBase64String(bytes).Replace('+', '.').Replace('/', '_');
    }

    public void CreateBucket(string name, string region)
    {
        if (!BucketName().IsMatch(name) || name.Contains("..", StringComparison.Ordinal))
        {
            throw new S3Exception("InvalidBucketName", "The specified bucket is not valid.", 400, ("BucketName", name));
        }

        if (!_buckets.TryAdd(name, new S3Bucket(name, region, Now())))
        {
            throw new S3Exception(
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
                409,
                ("BucketName", name));
        }
    }

    public void DeleteBucket(S3Bucket bucket)
    {
        if (!bucket.IsEmpty)
        {
            throw new S3Exception("BucketNotEmpty", "The bucket you tried to delete is not empty", 409, ("BucketName", bucket.Name));
        }

        _buckets.TryRemove(bucket.Name, out _);
    }

    public S3Bucket Find(string name) => _buckets.GetValueOrDefault(name) ?? throw S3Exception.NoSuchBucket(name);

    /// <summary>For callers in the process.</summary>
    public S3Bucket Get(string name) =>
        _buckets.GetValueOrDefault(name) ?? throw new KeyNotFoundException($"There is no bucket '{name}'.");

    public void Deny(string action) => _denied[action] = true;

    public void Allow(string action) => _denied.TryRemove(action, out _);

    public bool IsDenied(string action) => _denied.ContainsKey(action);

    [GeneratedRegex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    private static partial Regex BucketName();
}
