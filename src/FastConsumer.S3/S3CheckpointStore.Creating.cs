using System.Buffers;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using FastConsumer.Checkpoints;

namespace FastConsumer.S3;

/// <summary>How objects are created, and how the bucket is tried at start.</summary>
internal sealed partial class S3CheckpointStore
{
    /// <summary>The size of a part, and of the largest object that one PUT writes.</summary>
    internal const int PartBytes = 16 * 1024 * 1024;

    private const int MaxPartsAtOnce = 4;

    /// <summary>How often a write is tried that meets others on the same key.</summary>
    private const int Tries = 6;

    private static readonly TimeSpan s_firstWait = TimeSpan.FromMilliseconds(50);

    private enum Outcome
    {
        Created,
        IsThere,
        MetAnother,
    }

    public async Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        CheckpointName.ThrowIfInvalid(name);
        cancellationToken.ThrowIfCancellationRequested();
        string key = _root + name;
        for (int tries = 1; tries <= Tries; tries++)
        {
            Outcome outcome = await TryCreateAsync(key, content, cancellationToken).ConfigureAwait(false);
            if (outcome == Outcome.Created)
            {
                return;
            }

            if (outcome == Outcome.IsThere
                && await IsSameAsync(name, key, content, cancellationToken).ConfigureAwait(false) is { } isSame)
            {
                if (!isSame)
                {
                    throw new CheckpointObjectConflictException(name, Description);
                }

                return;
            }

            await Task.Delay(Wait(tries), _time, cancellationToken).ConfigureAwait(false);
        }

        throw new CheckpointStoreException(
            $"'{name}' could not be created in {Description}: {Tries} tries met other writes or deletions of the same key.",
            isTransient: true);
    }

    /// <summary>
    /// Makes sure of every action that the store needs, and that neither a PUT nor the end of a multipart upload writes over an object:
    /// some stores ignore the condition of one or both.
    /// </summary>
    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        // a name of its own, since others may start at the same time; none that is listed
        string key = $"{_root}.probe/{ProbeName()}";
        byte[] probe = "FastConsumer tries here whether this store refuses to write over an object."u8.ToArray();
        var first = new ReadOnlySequence<byte>(probe);
        ReadOnlySequence<byte> second = first.Slice(0, probe.Length - 1);
        bool isDone = false;
        try
        {
            await RequireAsync(Outcome.Created, first, PutAsync).ConfigureAwait(false);
            await RequireAsync(Outcome.IsThere, second, PutAsync).ConfigureAwait(false);
            await RequireAsync(Outcome.IsThere, second, UploadAsync).ConfigureAwait(false);
            await RequireReadableAsync(key, probe, cancellationToken).ConfigureAwait(false);
            isDone = true;
        }
        finally
        {
            if (!isDone)
            {
                await DeleteProbeAsync(key).ConfigureAwait(false);
            }
        }

        await DeleteKeyAsync(key, cancellationToken).ConfigureAwait(false);

        async Task RequireAsync(
            Outcome expected,
            ReadOnlySequence<byte> content,
            Func<string, ReadOnlySequence<byte>, CancellationToken, Task<Outcome>> write)
        {
            Outcome outcome;
            int tries = 1;
            try
            {
                while ((outcome = await write(key, content, cancellationToken).ConfigureAwait(false)) == Outcome.MetAnother
                    && tries < Tries)
                {
                    await Task.Delay(Wait(tries++), _time, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (CheckpointStoreException exception)
                when (exception.InnerException is { } inner && S3Fault.IsNotImplemented(inner))
            {
                throw Unusable(exception);
            }

            // where the answer to the first try was lost, its repetition finds what it wrote
            if (outcome == Outcome.Created && expected == Outcome.IsThere)
            {
                throw Unusable(null);
            }
        }

        CheckpointStoreException Unusable(Exception? exception) => new(
            $"The server of {Description} ({Connection.Endpoint}) ignores 'If-None-Match: *': it wrote over an object that was there, so "
                + "checkpoints could be lost there. Use Amazon S3, or a version of this store that knows conditional writes.",
            isTransient: false,
            exception);
    }

    private async Task RequireReadableAsync(string key, byte[] probe, CancellationToken cancellationToken)
    {
        byte[] read = new byte[8];
        try
        {
            await FillAsync(key, key, 3, read, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsFailure(exception, cancellationToken))
        {
            throw Translate(exception, "GetObject", "s3:GetObject", key);
        }

        ListObjectsV2Response listed = await ListPageAsync(
            new ListObjectsV2Request
            {
                BucketName = _bucket,
                Prefix = key,
                MaxKeys = 1,
                ExpectedBucketOwner = _options.ExpectedBucketOwner,
            },
            cancellationToken).ConfigureAwait(false);
        if (!read.AsSpan().SequenceEqual(probe.AsSpan(3, read.Length)) || listed.S3Objects is not [{ } one] || one.Key != key)
        {
            throw new CheckpointStoreException(
                $"The server of {Description} ({Connection.Endpoint}) does not show at once, as it was written, what was just written. It "
                    + "cannot keep checkpoints; use another one.",
                isTransient: false);
        }
    }

    private async Task DeleteProbeAsync(string key)
    {
        try
        {
            using var patience = new CancellationTokenSource(_options.RequestTimeout, _time);
            await DeleteKeyAsync(key, patience.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is CheckpointStoreException or OperationCanceledException)
        {
            S3CheckpointLog.ProbeNotDeleted(_log, $"s3://{_bucket}/{key}", exception.Message);
        }
    }

    private Task<Outcome> TryCreateAsync(string key, ReadOnlySequence<byte> content, CancellationToken cancellationToken) =>
        content.Length <= PartBytes ? PutAsync(key, content, cancellationToken) : UploadAsync(key, content, cancellationToken);

    private async Task<Outcome> PutAsync(string key, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        await using var stream = new ContentStream(content);
        try
        {
            await Client.PutObjectAsync(
                new PutObjectRequest
                {
                    BucketName = _bucket,
                    Key = key,
                    InputStream = stream,
                    AutoCloseStream = false,
                    IfNoneMatch = "*",
                    ChecksumSHA256 = Sha256(content),
                    UseChunkEncoding = false,
                    DisablePayloadSigning = Connection.IsEncrypted,
                    ContentType = "application/octet-stream",
                    ExpectedBucketOwner = _options.ExpectedBucketOwner,
                },
                cancellationToken).ConfigureAwait(false);
            return Outcome.Created;
        }
        catch (Exception exception) when (S3Fault.IsPreconditionFailed(exception))
        {
            return Outcome.IsThere;
        }
        catch (Exception exception) when (S3Fault.IsConflict(exception))
        {
            return Outcome.MetAnother;
        }
        catch (Exception exception) when (IsFailure(exception, cancellationToken))
        {
            throw Translate(exception, "PutObject", "s3:PutObject", key);
        }
    }

    private async Task<Outcome> UploadAsync(string key, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        string uploadId = await BeginUploadAsync(key, cancellationToken).ConfigureAwait(false);
        bool isOver = false;
        try
        {
            PartETag[] parts = await UploadPartsAsync(key, uploadId, content, cancellationToken).ConfigureAwait(false);
            await Client.CompleteMultipartUploadAsync(
                new CompleteMultipartUploadRequest
                {
                    BucketName = _bucket,
                    Key = key,
                    UploadId = uploadId,
                    PartETags = [.. parts],
                    IfNoneMatch = "*",
                    ExpectedBucketOwner = _options.ExpectedBucketOwner,
                },
                cancellationToken).ConfigureAwait(false);
            isOver = true;
            return Outcome.Created;
        }
        catch (Exception exception) when (S3Fault.IsPreconditionFailed(exception))
        {
            return Outcome.IsThere;
        }
        catch (Exception exception) when (S3Fault.IsNoSuchUpload(exception))
        {
            // a former request of the SDK's completed it, and its answer was lost; or somebody aborted it
            isOver = true;
            return Outcome.IsThere;
        }
        catch (Exception exception) when (S3Fault.IsConflict(exception))
        {
            return Outcome.MetAnother;
        }
        catch (Exception exception) when (IsFailure(exception, cancellationToken))
        {
            throw Translate(exception, "CompleteMultipartUpload", "s3:PutObject", key);
        }
        finally
        {
            // also where its end is in doubt: an abort that comes first settles it
            if (!isOver)
            {
                await AbortAsync(key, uploadId).ConfigureAwait(false);
            }
        }
    }

    private async Task<string> BeginUploadAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            InitiateMultipartUploadResponse begun = await Client.InitiateMultipartUploadAsync(
                new InitiateMultipartUploadRequest
                {
                    BucketName = _bucket,
                    Key = key,
                    ChecksumAlgorithm = ChecksumAlgorithm.SHA256,
                    ContentType = "application/octet-stream",
                    ExpectedBucketOwner = _options.ExpectedBucketOwner,
                },
                cancellationToken).ConfigureAwait(false);
            return begun.UploadId;
        }
        catch (Exception exception) when (IsFailure(exception, cancellationToken))
        {
            throw Translate(exception, "CreateMultipartUpload", "s3:PutObject", key);
        }
    }

    private async Task<PartETag[]> UploadPartsAsync(
        string key, string uploadId, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        int count = PartCount(content.Length);
        PartETag[] parts = new PartETag[count];
        await Parallel.ForAsync(
            0,
            count,
            new ParallelOptions { MaxDegreeOfParallelism = MaxPartsAtOnce, CancellationToken = cancellationToken },
            async (i, token) =>
            {
                ReadOnlySequence<byte> part = Part(content, i);
                string checksum = Sha256(part);
                await using var stream = new ContentStream(part);
                try
                {
                    UploadPartResponse response = await Client.UploadPartAsync(
                        new UploadPartRequest
                        {
                            BucketName = _bucket,
                            Key = key,
                            UploadId = uploadId,
                            PartNumber = i + 1,
                            PartSize = part.Length,
                            InputStream = stream,
                            ChecksumAlgorithm = ChecksumAlgorithm.SHA256,
                            ChecksumSHA256 = checksum,
                            UseChunkEncoding = false,
                            DisablePayloadSigning = Connection.IsEncrypted,
                            ExpectedBucketOwner = _options.ExpectedBucketOwner,
                        },
                        token).ConfigureAwait(false);
                    parts[i] = new PartETag(i + 1, response.ETag) { ChecksumSHA256 = checksum };
                }
                catch (Exception exception) when (!S3Fault.IsNoSuchUpload(exception) && IsFailure(exception, token))
                {
                    throw Translate(exception, "UploadPart", "s3:PutObject", key);
                }
            }).ConfigureAwait(false);
        return parts;
    }

    private async Task AbortAsync(string key, string uploadId)
    {
        try
        {
            using var patience = new CancellationTokenSource(_options.RequestTimeout, _time);
            await Client.AbortMultipartUploadAsync(
                new AbortMultipartUploadRequest
                {
                    BucketName = _bucket,
                    Key = key,
                    UploadId = uploadId,
                    ExpectedBucketOwner = _options.ExpectedBucketOwner,
                },
                patience.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (S3Fault.IsNoSuchUpload(exception))
        {
            // completed after all, or aborted by a request whose answer was lost
        }
        catch (Exception exception) when (exception is not ObjectDisposedException)
        {
            S3CheckpointLog.UploadNotAborted(
                _log,
                $"s3://{_bucket}/{key}",
                Translate(exception, "AbortMultipartUpload", "s3:AbortMultipartUpload", key).Message);
        }
    }

    /// <summary>Whether the object has these bytes; null where it is gone by now.</summary>
    private async Task<bool?> IsSameAsync(
        string name, string key, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        GetObjectMetadataResponse? there = await HeadAsync(key, cancellationToken).ConfigureAwait(false);
        if (there is null)
        {
            return null;
        }

        if (there.ContentLength != content.Length)
        {
            return false;
        }

        // other checksums than ours say nothing: of other parts, of another kind, or of a store that has none
        if (content.IsEmpty || there.ChecksumSHA256 == Checksum(content))
        {
            return true;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(1024 * 1024);
        try
        {
            for (long offset = 0; offset < content.Length;)
            {
                int length = (int)Math.Min(buffer.Length, content.Length - offset);
                await ReadAsync(name, offset, buffer.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
                if (!IsEqual(content.Slice(offset, length), buffer.AsSpan(0, length)))
                {
                    return false;
                }

                offset += length;
            }

            return true;
        }
        catch (CheckpointObjectMissingException)
        {
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>As S3 keeps it: of the whole, or of the parts' checksums.</summary>
    private static string Checksum(ReadOnlySequence<byte> content)
    {
        if (content.Length <= PartBytes)
        {
            return Sha256(content);
        }

        int count = PartCount(content.Length);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int i = 0; i < count; i++)
        {
            hash.AppendData(Convert.FromBase64String(Sha256(Part(content, i))));
        }

        return $"{Convert.ToBase64String(hash.GetHashAndReset())}-{count}";
    }

    private static string Sha256(ReadOnlySequence<byte> content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ReadOnlyMemory<byte> segment in content)
        {
            hash.AppendData(segment.Span);
        }

        return Convert.ToBase64String(hash.GetHashAndReset());
    }

    private static int PartCount(long length) => (int)Math.Max(1, (length + PartBytes - 1) / PartBytes);

    private static ReadOnlySequence<byte> Part(ReadOnlySequence<byte> content, int index)
    {
        long from = (long)index * PartBytes;
        return content.Slice(from, Math.Min(PartBytes, content.Length - from));
    }

    private static bool IsEqual(ReadOnlySequence<byte> content, ReadOnlySpan<byte> bytes)
    {
        foreach (ReadOnlyMemory<byte> segment in content)
        {
            if (!bytes[..segment.Length].SequenceEqual(segment.Span))
            {
                return false;
            }

            bytes = bytes[segment.Length..];
        }

        return true;
    }

    private string ProbeName()
    {
        lock (_lock)
        {
            return $"{_random.NextInt64():x16}";
        }
    }

    /// <summary>Doubled each time, and spread, so that those who met do not meet again.</summary>
    private TimeSpan Wait(int tries)
    {
        lock (_lock)
        {
            return s_firstWait * (1 << (tries - 1)) * (0.5 + (_random.NextDouble() / 2));
        }
    }
}
