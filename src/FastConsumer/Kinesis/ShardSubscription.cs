using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using FastConsumer.Buffers;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Kinesis;

/// <inheritdoc/>
/// <remarks>
/// A pipe over the HTTP/2 body: it reads no further than the caller asks, so that the stream's window is what holds the
/// service back. Each event's payload goes into one pooled array, where it is decoded in place.
/// </remarks>
internal sealed class ShardSubscription : IShardSubscription
{
    private const int ReadBytes = 64 * 1024;

    // Smaller ones are the service's own notes, empty events or a record or two: they are taken in at once, which tells what they are.
    private const int SmallPayload = 1024;

    // The service's events hold about 1 MiB of data. For larger ones no more memory is taken than what comes asks for.
    private const int UsualPayload = 2 * 1024 * 1024;

    private readonly HttpResponseMessage _response;
    private readonly ConnectionPool.Generation _connections;
    private readonly PipeReader _pipe;
    private readonly ArrayPool<byte> _pool;
    private readonly FailureFactory _fail;
    private readonly EventStreamDecoder _decoder = new();
    private readonly SemaphoreSlim _oneCall = new(1);
    private PooledBufferWriter? _payload;
    private bool _isReady;
    private KinesisException? _failure;
    private long _takenBytes;
    private long _receivedBytes;
    private volatile bool _isDisposed;

    public ShardSubscription(
        HttpResponseMessage response, Stream body, ConnectionPool.Generation connections, ArrayPool<byte> pool, FailureFactory fail)
    {
        _response = response;
        _connections = connections;
        _pipe = PipeReader.Create(body, new StreamPipeReaderOptions(bufferSize: ReadBytes, leaveOpen: true));
        _pool = pool;
        _fail = fail;
    }

    /// <inheritdoc/>
    public long ReceivedBytes => Volatile.Read(ref _receivedBytes);

    /// <inheritdoc/>
    public void GiveUpConnection() => _connections.GiveUp();

    /// <inheritdoc/>
    public async ValueTask<int?> WaitForEventAsync(CancellationToken cancellationToken = default)
    {
        await _oneCall.WaitAsync(cancellationToken);
        try
        {
            return await AnnounceAsync(cancellationToken) ? _decoder.PayloadLength : null;
        }
        catch (Exception exception) when (Describe(exception, cancellationToken) is { } failure)
        {
            throw failure;
        }
        finally
        {
            _oneCall.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<GetRecordsResponse?> ReadAsync(CancellationToken cancellationToken = default)
    {
        await _oneCall.WaitAsync(cancellationToken);
        try
        {
            while (await AnnounceAsync(cancellationToken))
            {
                if (!_isReady && !await EndFrameAsync(cancellationToken))
                {
                    return null;
                }

                if (_isReady)
                {
                    return Decode();
                }
            }

            return null;
        }
        catch (Exception exception) when (Describe(exception, cancellationToken) is { } failure)
        {
            throw failure;
        }
        finally
        {
            _oneCall.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _pipe.CancelPendingRead();
        // never released again: whoever still comes finds the pipe cancelled, or waits in vain for its own token
        await _oneCall.WaitAsync();
        await _pipe.CompleteAsync();
        _payload?.Dispose();
        _payload = null;
        // resets the HTTP/2 stream
        _response.Dispose();
        _connections.Exit();
        _oneCall.Release();
    }

    /// <summary>Begins the next frame that may hold records; false at the end.</summary>
    private async ValueTask<bool> AnnounceAsync(CancellationToken cancellationToken)
    {
        if (_failure is not null)
        {
            throw _failure;
        }

        while (!_isReady)
        {
            if (!await BeginFrameAsync(cancellationToken))
            {
                return false;
            }

            if (_decoder.PayloadLength > SmallPayload)
            {
                return true;
            }

            if (!await EndFrameAsync(cancellationToken))
            {
                return false;
            }
        }

        return true;
    }

    private async ValueTask<bool> BeginFrameAsync(CancellationToken cancellationToken)
    {
        while (!_decoder.IsOpen)
        {
            if (_isDisposed)
            {
                return false;
            }

            ReadResult read = await _pipe.ReadAsync(cancellationToken);
            if (read.IsCanceled)
            {
                return false;
            }

            ReadOnlySequence<byte> rest = read.Buffer;
            bool begun = _decoder.TryBegin(ref rest);
            Count(read.Buffer.Length, rest.Length);
            _pipe.AdvanceTo(rest.Start, begun ? rest.Start : rest.End);
            if (!begun && read.IsCompleted)
            {
                return rest.IsEmpty ? false : throw Cut();
            }
        }

        return true;
    }

    /// <summary>Takes in the rest of the frame; false where the subscription was disposed meanwhile.</summary>
    private async ValueTask<bool> EndFrameAsync(CancellationToken cancellationToken)
    {
        _payload ??= new PooledBufferWriter(_pool, Math.Min(_decoder.PayloadLength, UsualPayload), _decoder.PayloadLength);
        while (true)
        {
            if (_isDisposed)
            {
                return false;
            }

            ReadResult read = await _pipe.ReadAsync(cancellationToken);
            if (read.IsCanceled)
            {
                return false;
            }

            ReadOnlySequence<byte> rest = read.Buffer;
            bool ended = _decoder.TryEnd(ref rest, _payload);
            Count(read.Buffer.Length, rest.Length);
            _pipe.AdvanceTo(rest.Start, ended ? rest.Start : rest.End);
            if (ended)
            {
                Judge();
                return true;
            }

            if (read.IsCompleted)
            {
                throw Cut();
            }
        }
    }

    /// <summary>What the pipe showed is behind what was taken from it before.</summary>
    private void Count(long shown, long left)
    {
        Volatile.Write(ref _receivedBytes, _takenBytes + shown);
        _takenBytes += shown - left;
    }

    /// <summary>Keeps the payload of an event with records, throws for an error, and lets everything else go by.</summary>
    private void Judge()
    {
        EventStreamMessage message = _decoder.Message;
        switch (message.Kind)
        {
            case EventStreamMessageKind.Event when message.Name.SequenceEqual("SubscribeToShardEvent"u8):
                _isReady = true;
                return;

            case EventStreamMessageKind.Event:
                // initial-response, which says nothing, or an event that later versions of the service may add
                _payload!.Dispose();
                _payload = null;
                return;

            case EventStreamMessageKind.Exception:
                ServiceError error = ServiceError.Read(
                    Encoding.UTF8.GetString(message.ContentType), Encoding.UTF8.GetString(message.Name), _payload!.WrittenSpan);
                throw Refused(error);

            default:
                throw Refused(ServiceError.Create(Encoding.UTF8.GetString(message.Name), Encoding.UTF8.GetString(message.Text)));
        }
    }

    private GetRecordsResponse Decode()
    {
        PooledBufferWriter payload = _payload!;
        _payload = null;
        _isReady = false;
        using (payload)
        {
            return KinesisClient.DecodeRecords(
                WireFormats.Detect(Encoding.UTF8.GetString(_decoder.Message.ContentType), payload.WrittenSpan), payload);
        }
    }

    private KinesisException Refused(ServiceError error)
    {
        KinesisErrorKind kind = ErrorCatalog.Classify(KinesisOperation.SubscribeToShard, 400, error.Code);
        return _fail("the service ended the subscription: " + error.Describe(), kind, null, error.Code);
    }

    private KinesisException Cut() => _fail(
        "the subscription was cut in the middle of an event.", KinesisErrorKind.Unavailable, null, null);

    /// <summary>
    /// What a failure means to the caller; after one the subscription is of no more use. Null for what is not a failure of it.
    /// </summary>
    private KinesisException? Describe(Exception exception, CancellationToken cancellationToken) => _failure = exception switch
    {
        KinesisException known => known,
        WireFormatException => _fail($"an event cannot be decoded: {exception.Message}", KinesisErrorKind.InvalidResponse, exception, null),
        OperationCanceledException when cancellationToken.IsCancellationRequested => null,
        // a cancellation that nobody here asked for is the connection's own
        IOException or HttpRequestException or OperationCanceledException => _fail(
            $"the subscription's connection broke ({exception.Message}).", KinesisErrorKind.Unavailable, exception, null),
        _ => null,
    };
}
