using System.Globalization;
using System.Runtime.CompilerServices;
using Amazon.S3;
using Amazon.S3.Model;
using FastConsumer.Checkpoints;
using Microsoft.Extensions.Logging;

namespace FastConsumer.S3;

/// <summary>
/// Objects on S3. One is written by one PUT, or as a multipart upload where it is large, on condition that its key is free; an object is
/// there as a whole or not at all, since a key appears when S3 has all of it.
/// </summary>
internal sealed partial class S3CheckpointStore : ICheckpointStore, IDisposable
{
    private readonly S3CheckpointOptions _options;
    private readonly Random _random;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Func<S3Connection> _connect;
    private readonly string _bucket;
    private readonly string _root;
    private readonly Lock _lock = new();
    private S3Connection? _connection;
    private bool _disposed;

    /// <param name="options">Validated.</param>
    /// <param name="connect">Makes the connection, at the first call.</param>
    /// <param name="random">For the probe's name and the waits between tries.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">What is left behind is written there.</param>
    public S3CheckpointStore(S3CheckpointOptions options, Func<S3Connection> connect, Random random, TimeProvider time, ILogger log)
    {
        _options = options;
        _connect = connect;
        _random = random;
        _time = time;
        _log = log;
        _bucket = options.Bucket ?? "";
        _root = string.IsNullOrEmpty(options.Prefix) ? "" : options.Prefix + "/";
        Description = $"s3://{_bucket}/{options.Prefix}".TrimEnd('/');
    }

    public string Description { get; }

    private S3Connection Connection
    {
        get
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                return _connection ??= _connect();
            }
        }
    }

    private IAmazonS3 Client => Connection.Client;

    public async Task ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        CheckpointName.ThrowIfInvalid(name);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        cancellationToken.ThrowIfCancellationRequested();
        string key = _root + name;
        long needed = offset + destination.Length;
        if (destination.IsEmpty)
        {
            long length = await LengthAsync(name, key, cancellationToken).ConfigureAwait(false);
            if (length < needed)
            {
                throw new CheckpointObjectTooShortException(name, Description, length, needed);
            }

            return;
        }

        try
        {
            await FillAsync(name, key, offset, destination, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (S3Fault.IsMissing(exception))
        {
            throw new CheckpointObjectMissingException(name, Description, exception);
        }
        catch (Exception exception) when (S3Fault.IsInvalidRange(exception))
        {
            // the object has not one byte of the range
            long length = await LengthAsync(name, key, cancellationToken).ConfigureAwait(false);
            throw new CheckpointObjectTooShortException(name, Description, length, needed, exception);
        }
        catch (Exception exception) when (IsFailure(exception, cancellationToken))
        {
            throw Translate(exception, "GetObject", "s3:GetObject", key);
        }
    }

    public async IAsyncEnumerable<CheckpointObject> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        CheckpointName.ThrowIfInvalidPrefix(prefix);
        var request = new ListObjectsV2Request
        {
            BucketName = _bucket,
            Prefix = _root + prefix,
            ExpectedBucketOwner = _options.ExpectedBucketOwner,
        };
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            ListObjectsV2Response page = await ListPageAsync(request, cancellationToken).ConfigureAwait(false);
            foreach (S3Object one in page.S3Objects ?? [])
            {
                // what others have put there is not ours, and neither is what tries the bucket at a start
                if (one.Key.StartsWith(_root, StringComparison.Ordinal) && CheckpointName.IsValid(one.Key[_root.Length..]))
                {
                    yield return new CheckpointObject(one.Key[_root.Length..], one.Size ?? 0);
                }
            }

            request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
    }

    public async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        CheckpointName.ThrowIfInvalid(name);
        cancellationToken.ThrowIfCancellationRequested();
        await DeleteKeyAsync(_root + name, cancellationToken).ConfigureAwait(false);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _connection?.Dispose();
        }
    }

    private async Task DeleteKeyAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            await Client.DeleteObjectAsync(
                new DeleteObjectRequest { BucketName = _bucket, Key = key, ExpectedBucketOwner = _options.ExpectedBucketOwner },
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (S3Fault.IsMissing(exception))
        {
            // other stores say so; S3 does not
        }
        catch (Exception exception) when (IsFailure(exception, cancellationToken))
        {
            throw Translate(exception, "DeleteObject", "s3:DeleteObject", key);
        }
    }

    private async Task<ListObjectsV2Response> ListPageAsync(ListObjectsV2Request request, CancellationToken cancellationToken)
    {
        try
        {
            return await Client.ListObjectsV2Async(request, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsFailure(exception, cancellationToken))
        {
            throw Translate(exception, "ListObjectsV2", "s3:ListBucket", null);
        }
    }

    private async Task FillAsync(string name, string key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        long needed = offset + destination.Length;
        using GetObjectResponse response = await Client.GetObjectAsync(
            new GetObjectRequest
            {
                BucketName = _bucket,
                Key = key,
                ByteRange = new ByteRange(offset, needed - 1),
                ExpectedBucketOwner = _options.ExpectedBucketOwner,
            },
            cancellationToken).ConfigureAwait(false);
        (long from, long total) = RangeOf(response.ContentRange);
        if (from != offset)
        {
            throw new CheckpointStoreException(
                $"The server of {Description} answered a read of '{name}' from {offset} on with another range "
                    + $"('{response.ContentRange}'). It cannot keep checkpoints; use another one.",
                isTransient: false);
        }

        if (total < needed)
        {
            throw new CheckpointObjectTooShortException(name, Description, total, needed);
        }

        int done = await ReadToEndAsync(response.ResponseStream, destination, cancellationToken).ConfigureAwait(false);
        if (done < destination.Length)
        {
            throw new CheckpointStoreException(
                $"The answer of {Description} to a read of '{name}' ended after {done} of {destination.Length} bytes.", isTransient: true);
        }
    }

    /// <summary>A piece may take as long as a request: the client's own time-out ends with the answer's head.</summary>
    private async Task<int> ReadToEndAsync(Stream stream, Memory<byte> destination, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(_options.RequestTimeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        int done = 0;
        while (done < destination.Length)
        {
            patience.CancelAfter(_options.RequestTimeout);
            int read = await stream.ReadAsync(destination[done..], linked.Token).ConfigureAwait(false);
            if (read == 0)
            {
                break;
            }

            done += read;
        }

        return done;
    }

    /// <summary><c>bytes 5-9/100</c>: where it begins, and the whole object's length.</summary>
    private static (long From, long Total) RangeOf(string? header)
    {
        string[] parts = (header ?? "").Split([' ', '-', '/']);
        return parts.Length == 4
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long from)
            && long.TryParse(parts[3], NumberStyles.None, CultureInfo.InvariantCulture, out long total)
            ? (from, total)
            : (-1, -1);
    }

    private async Task<long> LengthAsync(string name, string key, CancellationToken cancellationToken) =>
        (await HeadAsync(key, cancellationToken).ConfigureAwait(false)
            ?? throw new CheckpointObjectMissingException(name, Description)).ContentLength;

    /// <summary>Null where there is no such object.</summary>
    private async Task<GetObjectMetadataResponse?> HeadAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return await Client.GetObjectMetadataAsync(
                new GetObjectMetadataRequest
                {
                    BucketName = _bucket,
                    Key = key,
                    ChecksumMode = ChecksumMode.ENABLED,
                    ExpectedBucketOwner = _options.ExpectedBucketOwner,
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (S3Fault.IsMissing(exception))
        {
            return null;
        }
        catch (Exception exception) when (IsFailure(exception, cancellationToken))
        {
            throw Translate(exception, "HeadObject", "s3:GetObject", key);
        }
    }

    /// <summary>What the caller cancelled is thrown on as it is.</summary>
    private static bool IsFailure(Exception exception, CancellationToken cancellationToken) =>
        exception is not (CheckpointStoreException or ArgumentException or ObjectDisposedException)
        && !(exception is OperationCanceledException && cancellationToken.IsCancellationRequested);

    private CheckpointStoreException Translate(Exception exception, string operation, string action, string? key) =>
        S3Fault.Translate(exception, operation, action, Description, _bucket, key, _options.RequestTimeout);
}
