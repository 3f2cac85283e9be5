using System.Globalization;
using FastConsumer.Testing.Storage;

namespace FastConsumer.Testing.Engine;

/// <content>What a journal needs to bring an engine back.</content>
internal sealed partial class KinesisEngine
{
    /// <summary>Told of every record that is put, under its stream's lock.</summary>
    public Action<StreamState, ShardState, ulong, StoredRecord>? Appended { get; set; }

    /// <summary>The number of the stream that is created next.</summary>
    public long NextStreamNumber
    {
        get
        {
            lock (_directory)
            {
                return _nextStreamNumber;
            }
        }

        set
        {
            lock (_directory)
            {
                _nextStreamNumber = value;
            }
        }
    }

    /// <summary>Puts a record where it was.</summary>
    /// <exception cref="InvalidDataException">It has no place there.</exception>
    public void Restore(WrittenRecord record)
    {
        using StreamScope scope = Enter(record.StreamNumber);
        if (!scope.Stream.TryGetShard(record.ShardIndex, out ShardState? shard) || !shard.TryRestore(record))
        {
            throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture,
                $"stream {scope.Stream.Name} has no place {record.Position} in its shard {record.ShardIndex}"));
        }
    }

    /// <summary>Forgets all that has passed the trim horizon; how many records are left.</summary>
    public long TrimAll()
    {
        long left = 0;
        foreach (StreamState stream in SettledStreams())
        {
            if (TryEnter(stream, out StreamScope scope))
            {
                using (scope)
                {
                    stream.TrimShards(scope.NowMs);
                    foreach (ShardState shard in stream.Shards)
                    {
                        shard.Trim(stream.HorizonMs(scope.NowMs));
                        left += (long)(shard.TipPosition - shard.TrimPosition);
                    }
                }
            }
        }

        return left;
    }

    /// <summary>The position of a shard's first record that is kept, or of the next one; null where the shard is gone.</summary>
    public ulong? FirstPosition(long streamNumber, int shardIndex)
    {
        StreamState? stream;
        lock (_directory)
        {
            _streamsByNumber.TryGetValue(streamNumber, out stream);
        }

        if (!TryEnter(stream, out StreamScope scope))
        {
            return null;
        }

        using (scope)
        {
            return stream.TryGetShard(shardIndex, out ShardState? shard) ? shard.TrimPosition : null;
        }
    }
}
