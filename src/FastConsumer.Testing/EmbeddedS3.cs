using FastConsumer.Testing.Http;
using FastConsumer.Testing.S3;

namespace FastConsumer.Testing;

/// <summary>
/// An Amazon S3 inside the process, behind one URL on 127.0.0.1, with the service's own requests, answers, errors and checksums, so that
/// any AWS SDK can drive it. It keeps objects in memory, and has what stores of checkpoints and files need: objects with conditional
/// writes and ranges, listings, multipart uploads and buckets.
/// </summary>
/// <remarks>
/// Requests must bear a signature (in a header or in the query), which is <em>not verified</em>: any credentials do. Its region must be the
/// bucket's. Buckets are addressed by path or by the Host header (<c>bucket.localhost</c>, <c>bucket.s3.region.amazonaws.com</c>). Not
/// there: versions, tags, access lists, copies, presigned forms, encryption and life cycles; requests for them are answered with
/// NotImplemented. All members are safe to call from any thread.
/// </remarks>
public sealed class EmbeddedS3 : IAsyncDisposable
{
    /// <summary>The largest object of one PUT, as the service says: 5 GiB.</summary>
    private const long MaxRequestBytes = 5L * 1024 * 1024 * 1024;

    private readonly CancellationTokenSource _stopping = new();
    private readonly RequestCounter _counter = new();
    private readonly S3Account _account;
    private readonly S3Endpoint _endpoint;
    private EmbeddedHttpServer? _server;

    private EmbeddedS3(EmbeddedS3Options options)
    {
        Region = options.Region;
        _account = new S3Account(options);
        _endpoint = new S3Endpoint(_account, options, Faults, _counter, _stopping.Token);
    }

    /// <summary>What clients are given as the endpoint, for example <c>http://127.0.0.1:41235</c>; with addressing by path.</summary>
    public string ServiceUrl => _server!.Url;

    /// <summary>The region of buckets that are created without one.</summary>
    public string Region { get; }

    /// <summary>
    /// Faults on demand, by operation: <c>PutObject</c>, <c>GetObject</c>, <c>HeadObject</c>, <c>DeleteObject</c>, <c>DeleteObjects</c>,
    /// <c>ListObjectsV2</c>, <c>CreateMultipartUpload</c>, <c>UploadPart</c>, <c>CompleteMultipartUpload</c>, <c>AbortMultipartUpload</c>,
    /// <c>ListParts</c>, <c>ListMultipartUploads</c>, <c>CreateBucket</c>, <c>DeleteBucket</c>, <c>HeadBucket</c>, <c>ListBuckets</c>,
    /// <c>GetBucketLocation</c>.
    /// </summary>
    /// <remarks>
    /// The service's own are <c>Fail("PutObject", "SlowDown", "Please reduce your request rate.", 503)</c>, <c>InternalError</c> with 500,
    /// <c>ConditionalRequestConflict</c> with 409. A request that is delayed takes effect when the delay is over, even where its client has
    /// gone meanwhile, as one that a network held up does.
    /// </remarks>
    public FaultScript Faults { get; } = new();

    /// <summary>Starts it; it listens when the task is done.</summary>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="IOException">The port is taken.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The address is none of this machine.</exception>
    public static async Task<EmbeddedS3> StartAsync(EmbeddedS3Options? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new EmbeddedS3Options();
        options.Validate();
        var s3 = new EmbeddedS3(options);
        try
        {
            s3._server = await EmbeddedHttpServer.StartAsync(
                options.Bind, options.Port, options.Certificate, s3._endpoint.HandleAsync, cancellationToken, MaxRequestBytes);
            return s3;
        }
        catch
        {
            s3._stopping.Dispose();
            throw;
        }
    }

    /// <summary>Creates a bucket.</summary>
    /// <param name="name">Its name, as S3 allows it.</param>
    /// <param name="region">Its region; null for <see cref="Region"/>.</param>
    /// <exception cref="ArgumentException">The name is invalid or taken.</exception>
    public void CreateBucket(string name, string? region = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        try
        {
            _account.CreateBucket(name, region ?? Region);
        }
        catch (S3Exception exception)
        {
            throw new ArgumentException(exception.Message, nameof(name), exception);
        }
    }

    /// <summary>
    /// Lets a bucket take no notice of <c>If-None-Match</c> and <c>If-Match</c> when objects are written, as some stores that speak S3's
    /// protocol do, or take notice again.
    /// </summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="isIgnored">Whether the conditions are ignored.</param>
    /// <exception cref="KeyNotFoundException">There is no such bucket.</exception>
    public void IgnoreConditions(string bucket, bool isIgnored = true) => _account.Get(bucket).IgnoresConditions = isIgnored;

    /// <summary>
    /// Answers requests that need an IAM action with AccessDenied, until <see cref="Allow"/>. While <c>s3:ListBucket</c> is denied, a
    /// missing object is answered with AccessDenied too, as the service does.
    /// </summary>
    /// <param name="action">The action, such as <c>s3:PutObject</c>.</param>
    public void Deny(string action)
    {
        ArgumentException.ThrowIfNullOrEmpty(action);
        _account.Deny(action);
    }

    /// <summary>Takes a <see cref="Deny"/> back.</summary>
    /// <param name="action">The action.</param>
    public void Allow(string action)
    {
        ArgumentException.ThrowIfNullOrEmpty(action);
        _account.Allow(action);
    }

    /// <summary>The keys of a bucket's objects, in order.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <exception cref="KeyNotFoundException">There is no such bucket.</exception>
    public IReadOnlyList<string> Keys(string bucket) => _account.Get(bucket).Keys();

    /// <summary>The ids of a bucket's uploads that are neither completed nor aborted.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <exception cref="KeyNotFoundException">There is no such bucket.</exception>
    public IReadOnlyList<string> UploadIds(string bucket) => _account.Get(bucket).UploadIds();

    /// <summary>An object's bytes; null where there is none. They are not copied: leave them as they are.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="key">The object's key.</param>
    /// <exception cref="KeyNotFoundException">There is no such bucket.</exception>
    public ReadOnlyMemory<byte>? Read(string bucket, string key) => _account.Get(bucket).Find(key) is { } found ? found.Content : null;

    /// <summary>Puts an object in place of what is there.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="key">The object's key.</param>
    /// <param name="content">Its bytes; copied.</param>
    /// <exception cref="KeyNotFoundException">There is no such bucket.</exception>
    public void Put(string bucket, string key, ReadOnlySpan<byte> content)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        _account.Get(bucket).Put(S3Object.Create(key, content.ToArray(), _account.Now()));
    }

    /// <summary>Deletes an object; false where there is none.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="key">The object's key.</param>
    /// <exception cref="KeyNotFoundException">There is no such bucket.</exception>
    public bool Delete(string bucket, string key) => _account.Get(bucket).Delete(key);

    /// <summary>Cuts an object off. Its ETag and checksums stay, so a client that checks them notices.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="key">The object's key.</param>
    /// <param name="length">How many bytes remain.</param>
    /// <exception cref="KeyNotFoundException">There is no such bucket or object.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The object is not as long.</exception>
    public void Truncate(string bucket, string key, int length) =>
        _account.Get(bucket).Change(key, content => content.AsSpan(0, length).ToArray());

    /// <summary>Inverts one byte of an object. Its ETag and checksums stay, so a client that checks them notices.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="key">The object's key.</param>
    /// <param name="offset">Which byte, from the object's start.</param>
    /// <exception cref="KeyNotFoundException">There is no such bucket or object.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The object is not as long.</exception>
    public void Alter(string bucket, string key, int offset) => _account.Get(bucket).Change(key, content =>
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, content.Length);
        byte[] altered = [.. content];
        altered[offset] ^= 0xFF;
        return altered;
    });

    /// <summary>The requests that have arrived, refused ones and retries included.</summary>
    /// <param name="operation">For example <c>PutObject</c>; null for all.</param>
    public long RequestCount(string? operation = null) => _counter.Of(operation);

    /// <summary>Stops listening, ends requests under way and closes every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_server is null || _stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync();
        await _server.DisposeAsync();
        _stopping.Dispose();
    }
}
