using System.Buffers;
using System.Globalization;
using System.Text;
using FastConsumer.Buffers;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Kinesis;

/// <summary>
/// Speaks to Amazon Kinesis Data Streams (service model 2013-12-02) over HTTP/1.1, in CBOR or JSON, and for
/// SubscribeToShard over HTTP/2. One client serves any
/// number of streams and threads; it keeps connections, the day's signing key and the clock's offset.
/// </summary>
public sealed class KinesisClient : IKinesisClient
{
    private static readonly AnswerDecoder<GetRecordsResponse> s_decodeRecords = static (format, body, _) => DecodeRecords(format, body);

    /// <summary>The most that a timer takes.</summary>
    private static readonly TimeSpan s_longestTimeout = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly KinesisTransport _transport;
    private readonly ArrayPool<byte> _pool;

    /// <summary>Creates a client.</summary>
    /// <param name="options">Read once: later changes have no effect. Null for the defaults.</param>
    /// <param name="handler">Sends the requests instead of the client's own connections; the caller disposes it.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="KinesisException">The endpoint or the region that is configured is not one.</exception>
    public KinesisClient(KinesisClientOptions? options = null, HttpMessageHandler? handler = null)
        : this(options ?? new KinesisClientOptions(), handler, PagePool<byte>.Shared)
    {
    }

    internal KinesisClient(KinesisClientOptions options, HttpMessageHandler? handler, ArrayPool<byte> pool)
    {
        ArgumentNullException.ThrowIfNull(options.TimeProvider);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxAttempts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.RequestTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.RequestTimeout, s_longestTimeout);
        if (!Enum.IsDefined(options.Protocol))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Protocol, $"{nameof(options.Protocol)} is Auto, Cbor or Json.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(
            options.StreamWindowBytes ?? KinesisClientOptions.DefaultStreamWindowBytes,
            KinesisClientOptions.SmallestStreamWindowBytes,
            nameof(options.StreamWindowBytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            options.StreamWindowBytes ?? KinesisClientOptions.DefaultStreamWindowBytes,
            KinesisClientOptions.LargestStreamWindowBytes,
            nameof(options.StreamWindowBytes));
        _pool = pool;
        _transport = new KinesisTransport(options, handler, pool);
    }

    /// <inheritdoc cref="ServiceClock.Offset"/>
    internal TimeSpan ClockOffset => _transport.ClockOffset;

    /// <inheritdoc/>
    public string EndpointDescription => _transport.EndpointDescription;

    /// <inheritdoc/>
    public Task<ListShardsResponse> ListShardsAsync(
        StreamIdentifier stream, string? nextToken = null, CancellationToken cancellationToken = default) =>
        AskAsync(
            KinesisOperation.ListShards,
            stream,
            writer =>
            {
                if (nextToken is null)
                {
                    WriteStream(writer, stream);
                }
                else
                {
                    // the token stands for the stream's name, which must not be beside it
                    writer.Member("NextToken", nextToken);
                    WriteArn(writer, stream.Arn);
                }
            },
            static (answer, answeredAt) => new ListShardsResponse(
                [.. answer["Shards"].Items.Select(AnswerModels.Shard)], answer["NextToken"].AsText())
            {
                AnsweredAt = answeredAt
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task<StreamDescriptionSummary> DescribeStreamSummaryAsync(
        StreamIdentifier stream, CancellationToken cancellationToken = default) =>
        AskAsync(
            KinesisOperation.DescribeStreamSummary,
            stream,
            writer => WriteStream(writer, stream),
            static (answer, answeredAt) => AnswerModels.Summary(answer["StreamDescriptionSummary"]) with { AnsweredAt = answeredAt },
            cancellationToken);

    /// <inheritdoc/>
    public Task<string> GetShardIteratorAsync(
        StreamIdentifier stream, string shardId, StartingPosition position, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(shardId);
        return AskAsync(
            KinesisOperation.GetShardIterator,
            stream,
            writer =>
            {
                WriteStream(writer, stream);
                writer.Member("ShardId", shardId);
                WritePosition(writer, position, "ShardIteratorType", "StartingSequenceNumber");
            },
            static answer => AnswerModels.Text(answer, "ShardIterator"),
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<GetRecordsResponse> GetRecordsAsync(
        StreamIdentifier stream, string shardIterator, int? limit = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(shardIterator);
        return GetRecordsAsync(stream, Encoding.UTF8.GetBytes(shardIterator), limit, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<GetRecordsResponse> GetRecordsAsync(
        StreamIdentifier stream, ReadOnlyMemory<byte> shardIteratorUtf8, int? limit = null, CancellationToken cancellationToken = default)
    {
        if (shardIteratorUtf8.IsEmpty)
        {
            throw new ArgumentException("The iterator is empty.", nameof(shardIteratorUtf8));
        }

        if (limit is { } count)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, nameof(limit));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 10_000, nameof(limit));
        }

        return _transport.SendAsync(
            KinesisOperation.GetRecords,
            Named(stream), new GetRecordsBody(shardIteratorUtf8, limit ?? 0, stream.Arn), s_decodeRecords, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<PutRecordResponse> PutRecordAsync(
        StreamIdentifier stream, PutRecordsRequestEntry record, CancellationToken cancellationToken = default) =>
        AskAsync(
            KinesisOperation.PutRecord,
            stream,
            writer =>
            {
                WriteStream(writer, stream);
                WriteRecord(writer, record);
            },
            AnswerModels.PutRecord,
            cancellationToken);

    /// <inheritdoc/>
    public Task<PutRecordsResponse> PutRecordsAsync(
        StreamIdentifier stream, IReadOnlyList<PutRecordsRequestEntry> records, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(records);
        return AskAsync(
            KinesisOperation.PutRecords,
            stream,
            writer =>
            {
                WriteStream(writer, stream);
                writer.Name("Records");
                writer.StartArray();
                foreach (PutRecordsRequestEntry record in records)
                {
                    writer.StartMap();
                    WriteRecord(writer, record);
                    writer.EndMap();
                }

                writer.EndArray();
            },
            static answer =>
            {
                PutRecordsResultEntry[] entries = [.. answer["Records"].Items.Select(AnswerModels.PutRecordsEntry)];
                int failed = answer["FailedRecordCount"].IsNull
                    ? entries.Count(static entry => entry.ErrorCode is not null)
                    : AnswerModels.Integer(answer, "FailedRecordCount");
                return new PutRecordsResponse(failed, entries);
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task CreateStreamAsync(string streamName, int? shardCount, CancellationToken cancellationToken = default)
    {
        StreamIdentifier stream = StreamIdentifier.Parse(streamName);
        if (stream.Arn is not null)
        {
            throw new ArgumentException($"'{streamName}' is an ARN; a stream is created by its name.", nameof(streamName));
        }

        return DoAsync(
            KinesisOperation.CreateStream,
            stream,
            writer =>
            {
                WriteStream(writer, stream);
                if (shardCount is { } count)
                {
                    writer.Member("ShardCount", count);
                }
                else
                {
                    writer.Name("StreamModeDetails");
                    writer.StartMap();
                    writer.Member("StreamMode", "ON_DEMAND");
                    writer.EndMap();
                }
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task DeleteStreamAsync(
        StreamIdentifier stream, bool enforceConsumerDeletion = false, CancellationToken cancellationToken = default) =>
        DoAsync(
            KinesisOperation.DeleteStream,
            stream,
            writer =>
            {
                WriteStream(writer, stream);
                writer.Member("EnforceConsumerDeletion", enforceConsumerDeletion);
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task SplitShardAsync(
        StreamIdentifier stream, string shardToSplit, UInt128 newStartingHashKey, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(shardToSplit);
        return DoAsync(
            KinesisOperation.SplitShard,
            stream,
            writer =>
            {
                WriteStream(writer, stream);
                writer.Member("ShardToSplit", shardToSplit);
                writer.Member("NewStartingHashKey", newStartingHashKey.ToString(CultureInfo.InvariantCulture));
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task MergeShardsAsync(
        StreamIdentifier stream, string shardToMerge, string adjacentShardToMerge, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(shardToMerge);
        ArgumentException.ThrowIfNullOrEmpty(adjacentShardToMerge);
        return DoAsync(
            KinesisOperation.MergeShards,
            stream,
            writer =>
            {
                WriteStream(writer, stream);
                writer.Member("ShardToMerge", shardToMerge);
                writer.Member("AdjacentShardToMerge", adjacentShardToMerge);
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<Consumer> RegisterStreamConsumerAsync(
        string streamARN, string consumerName, CancellationToken cancellationToken = default) =>
        AskAsync(
            KinesisOperation.RegisterStreamConsumer,
            ByArn(streamARN),
            ConsumerRequest(streamARN, consumerName),
            static answer => AnswerModels.Consumer(answer["Consumer"]),
            cancellationToken);

    /// <inheritdoc/>
    public Task<Consumer> DescribeStreamConsumerAsync(
        string streamARN, string consumerName, CancellationToken cancellationToken = default) =>
        AskAsync(
            KinesisOperation.DescribeStreamConsumer,
            ByArn(streamARN),
            ConsumerRequest(streamARN, consumerName),
            static answer => AnswerModels.Consumer(answer["ConsumerDescription"]),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ListStreamConsumersResponse> ListStreamConsumersAsync(
        string streamARN, string? nextToken = null, CancellationToken cancellationToken = default) =>
        AskAsync(
            KinesisOperation.ListStreamConsumers,
            ByArn(streamARN),
            writer =>
            {
                WriteArn(writer, streamARN);
                if (nextToken is not null)
                {
                    writer.Member("NextToken", nextToken);
                }
            },
            static answer => new ListStreamConsumersResponse(
                [.. answer["Consumers"].Items.Select(AnswerModels.Consumer)], answer["NextToken"].AsText()),
            cancellationToken);

    /// <inheritdoc/>
    public Task DeregisterStreamConsumerAsync(string streamARN, string consumerName, CancellationToken cancellationToken = default) =>
        DoAsync(KinesisOperation.DeregisterStreamConsumer, ByArn(streamARN), ConsumerRequest(streamARN, consumerName), cancellationToken);

    /// <inheritdoc/>
    public Task<IShardSubscription> SubscribeToShardAsync(
        string consumerARN, string shardId, StartingPosition startingPosition, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(consumerARN);
        ArgumentException.ThrowIfNullOrEmpty(shardId);
        if (consumerARN.Split(':', 6) is not ["arn", _, "kinesis", _, _, { } resource]
            || !resource.Contains("/consumer/", StringComparison.Ordinal))
        {
            throw new ArgumentException(
                $"'{consumerARN}' is not the ARN of a consumer (arn:aws:kinesis:<region>:<account>:stream/<name>/consumer/<name>:<time>); "
                    + "RegisterStreamConsumer tells it.",
                nameof(consumerARN));
        }

        return _transport.OpenAsync<IShardSubscription>(
            KinesisOperation.SubscribeToShard,
            $"shard {shardId} for consumer '{consumerARN}'",
            consumerARN,
            writer =>
            {
                writer.Member("ConsumerARN", consumerARN);
                writer.Member("ShardId", shardId);
                writer.Name("StartingPosition");
                writer.StartMap();
                WritePosition(writer, startingPosition, "Type", "SequenceNumber");
                writer.EndMap();
            },
            (response, body, connections, fail) => new ShardSubscription(response, body, connections, _pool, fail),
            cancellationToken);
    }

    /// <summary>Closes the connections; calls under way fail.</summary>
    public void Dispose() => _transport.Dispose();

    private Task<T> AskAsync<T>(
        KinesisOperation operation,
        StreamIdentifier stream,
        Action<WireWriter> write,
        Func<WireValue, T> read,
        CancellationToken cancellationToken) =>
        AskAsync(operation, stream, write, (answer, _) => read(answer), cancellationToken);

    private Task<T> AskAsync<T>(
        KinesisOperation operation,
        StreamIdentifier stream,
        Action<WireWriter> write,
        Func<WireValue, DateTimeOffset?, T> read,
        CancellationToken cancellationToken) =>
        _transport.SendAsync(
            operation,
            Named(stream),
            write,
            (format, body, headers) => read(WireValue.Decode(format ?? throw UnknownFormat(), body.WrittenSpan), headers.Date),
            cancellationToken);

    /// <summary>For operations whose answer says nothing, so that nothing in it can be wrong.</summary>
    private Task<bool> DoAsync(
        KinesisOperation operation, StreamIdentifier stream, Action<WireWriter> write, CancellationToken cancellationToken) =>
        _transport.SendAsync(operation, Named(stream), write, static (_, _, _) => true, cancellationToken);

    /// <summary>Decodes an answer of GetRecords or an event of SubscribeToShard, and takes its array over.</summary>
    internal static GetRecordsResponse DecodeRecords(WireFormat? format, PooledBufferWriter body)
    {
        DecodedRecords records = GetRecordsDecoder.Decode(format ?? throw UnknownFormat(), body.WrittenSpan, PagePool<RecordEntry>.Shared);
        try
        {
            ChildShard[] children = records.ChildShards.IsNull ? [] : [.. records.ChildShards.Items.Select(AnswerModels.ChildShard)];
            SequenceNumber? continuation = records.ContinuationSequenceNumber is not { } digits ? null
                : SequenceNumber.TryParse(digits, out SequenceNumber number) ? number
                : throw new WireFormatException("ContinuationSequenceNumber is not 1 to 129 digits.");
            return new GetRecordsResponse(body.DetachResponse(), records.Entries, records.Count)
            {
                IteratorRange = records.NextShardIterator,
                ContinuationSequenceNumber = continuation,
                MillisBehindLatest = records.MillisBehindLatest,
                ChildShards = children,
                PayloadBytes = records.PayloadBytes,
                MayHoldAggregates = records.MayHoldAggregates,
            };
        }
        catch (WireFormatException)
        {
            PagePool<RecordEntry>.Shared.Return(records.Entries);
            throw;
        }
    }

    private static WireFormatException UnknownFormat() => new("It is neither CBOR nor JSON.");

    private static StreamIdentifier Named(StreamIdentifier stream) =>
        stream.Name is null ? throw new ArgumentException("No stream is named; use StreamIdentifier.Parse.", nameof(stream)) : stream;

    private static StreamIdentifier ByArn(string streamARN)
    {
        StreamIdentifier stream = StreamIdentifier.Parse(streamARN);
        return stream.Arn is not null
            ? stream
            : throw new ArgumentException(
                $"'{streamARN}' is not an ARN; consumers belong to a stream's ARN (DescribeStreamSummary tells it).", nameof(streamARN));
    }

    private static Action<WireWriter> ConsumerRequest(string streamARN, string consumerName)
    {
        ArgumentException.ThrowIfNullOrEmpty(consumerName);
        return writer =>
        {
            WriteArn(writer, streamARN);
            writer.Member("ConsumerName", consumerName);
        };
    }

    private static void WriteStream(WireWriter writer, StreamIdentifier stream)
    {
        if (stream.Arn is { } arn)
        {
            WriteArn(writer, arn);
        }
        else
        {
            writer.Member("StreamName", stream.Name);
        }
    }

    private static void WriteArn(WireWriter writer, string? arn)
    {
        if (arn is not null)
        {
            writer.Member("StreamARN", arn);
        }
    }

    private static void WritePosition(WireWriter writer, StartingPosition position, string typeName, string sequenceNumberName)
    {
        writer.Member(typeName, position.Type switch
        {
            ShardIteratorType.TrimHorizon => "TRIM_HORIZON",
            ShardIteratorType.Latest => "LATEST",
            ShardIteratorType.AtSequenceNumber => "AT_SEQUENCE_NUMBER",
            ShardIteratorType.AfterSequenceNumber => "AFTER_SEQUENCE_NUMBER",
            ShardIteratorType.AtTimestamp => "AT_TIMESTAMP",
            _ => throw new ArgumentOutOfRangeException(nameof(position), position.Type, "This is not a type of iterator."),
        });
        if (position.Type is ShardIteratorType.AtSequenceNumber or ShardIteratorType.AfterSequenceNumber)
        {
            writer.Member(sequenceNumberName, position.SequenceNumber.ToString());
        }
        else if (position.Type == ShardIteratorType.AtTimestamp)
        {
            writer.Name("Timestamp");
            writer.Timestamp(position.Timestamp.ToUnixTimeMilliseconds());
        }
    }

    private static void WriteRecord(WireWriter writer, PutRecordsRequestEntry record)
    {
        ArgumentException.ThrowIfNullOrEmpty(record.PartitionKey, nameof(record));
        writer.Name("Data");
        writer.Blob(record.Data.Span);
        writer.Member("PartitionKey", record.PartitionKey);
        if (record.ExplicitHashKey is { } key)
        {
            writer.Member("ExplicitHashKey", key.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>The call that is made all the time.</summary>
    private sealed class GetRecordsBody(ReadOnlyMemory<byte> iterator, int limit, string? arn) : IRequestBody
    {
        public void Write(WireWriter writer)
        {
            writer.Member("ShardIterator", iterator.Span);
            if (limit > 0)
            {
                writer.Member("Limit", limit);
            }

            WriteArn(writer, arn);
        }
    }
}
