using System.Text;

namespace FastConsumer.Testing.S3;

/// <summary>A bucket: what happens in it happens at one instant. Thread-safe.</summary>
internal sealed class S3Bucket(string name, string region, DateTimeOffset created)
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, S3Object> _objects = new(new KeyOrder());
    private readonly Dictionary<string, S3Upload> _uploads = new(StringComparer.Ordinal);
    private volatile bool _ignoresConditions;

    public string Name => name;

    public string Region => region;

    public DateTimeOffset Created => created;

    public bool IgnoresConditions
    {
        get => _ignoresConditions;
        set => _ignoresConditions = value;
    }

    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _objects.Count == 0;
            }
        }
    }

    public IReadOnlyList<string> Keys()
    {
        lock (_lock)
        {
            return [.. _objects.Keys];
        }
    }

    public IReadOnlyList<string> UploadIds()
    {
        lock (_lock)
        {
            return [.. _uploads.Keys];
        }
    }

    public S3Object? Find(string key)
    {
        lock (_lock)
        {
            return _objects.GetValueOrDefault(key);
        }
    }

    /// <summary>Writes an object in place of what is there, under the conditions that the request has.</summary>
    public void Put(S3Object written, S3WriteCondition condition = default)
    {
        lock (_lock)
        {
            Check(condition, written.Key);
            _objects[written.Key] = written;
        }
    }

    public bool Delete(string key)
    {
        lock (_lock)
        {
            return _objects.Remove(key);
        }
    }

    public void Change(string key, Func<byte[], byte[]> change)
    {
        lock (_lock)
        {
            S3Object former = _objects.GetValueOrDefault(key)
                ?? throw new KeyNotFoundException($"There is no object '{key}' in bucket '{name}'.");
            _objects[key] = former with { Content = change(former.Content) };
        }
    }

    /// <summary>The objects from a key on, in order; the key itself is left out.</summary>
    public IReadOnlyList<S3Object> List(string prefix, string after)
    {
        lock (_lock)
        {
            return [.. _objects.Values.Where(one =>
                one.Key.StartsWith(prefix, StringComparison.Ordinal) && (after.Length == 0 || KeyOrder.Of(one.Key, after) > 0))];
        }
    }

    public void Begin(S3Upload upload)
    {
        lock (_lock)
        {
            _uploads.Add(upload.Id, upload);
        }
    }

    public T With<T>(string uploadId, string key, Func<S3Upload, T> action)
    {
        lock (_lock)
        {
            return action(Upload(uploadId, key));
        }
    }

    public void Abort(string uploadId, string key)
    {
        lock (_lock)
        {
            _uploads.Remove(Upload(uploadId, key).Id);
        }
    }

    /// <summary>Makes an object of an upload; the upload stays where that is refused.</summary>
    public S3Object Complete(string uploadId, string key, S3WriteCondition condition, Func<S3Upload, S3Object> assemble)
    {
        lock (_lock)
        {
            S3Upload upload = Upload(uploadId, key);
            S3Object assembled = assemble(upload);
            Check(condition, key);
            _objects[key] = assembled;
            _uploads.Remove(uploadId);
            return assembled;
        }
    }

    public IReadOnlyList<S3Upload> Uploads(string prefix)
    {
        lock (_lock)
        {
            return [.. _uploads.Values.Where(upload => upload.Key.StartsWith(prefix, StringComparison.Ordinal))
                .OrderBy(static upload => upload.Key, new KeyOrder())
                .ThenBy(static upload => upload.Initiated)
                .ThenBy(static upload => upload.Id, StringComparer.Ordinal)];
        }
    }

    private S3Upload Upload(string uploadId, string key) =>
        _uploads.TryGetValue(uploadId, out S3Upload? upload) && upload.Key == key ? upload : throw S3Exception.NoSuchUpload(uploadId);

    private void Check(S3WriteCondition condition, string key)
    {
        if (_ignoresConditions)
        {
            return;
        }

        S3Object? there = _objects.GetValueOrDefault(key);
        if (condition.MustBeAbsent && there is not null)
        {
            throw S3Exception.PreconditionFailed("If-None-Match");
        }

        if (condition.ETag is { } etag && etag != "*" && (there ?? throw S3Exception.NoSuchKey(key)).ETag != etag)
        {
            throw S3Exception.PreconditionFailed("If-Match");
        }

        if (condition.ETag == "*" && there is null)
        {
            throw S3Exception.NoSuchKey(key);
        }
    }

    /// <summary>By the bytes of UTF-8, which differs from UTF-16 where there are surrogates.</summary>
    private sealed class KeyOrder : IComparer<string>
    {
        public static int Of(string left, string right) =>
            Encoding.UTF8.GetBytes(left).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(right));

        public int Compare(string? x, string? y) => Of(x!, y!);
    }
}

/// <summary>The condition of a write.</summary>
/// <param name="MustBeAbsent"><c>If-None-Match: *</c>.</param>
/// <param name="ETag"><c>If-Match</c>, without quotes; null for none.</param>
internal readonly record struct S3WriteCondition(bool MustBeAbsent, string? ETag);
