using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Operators;
using FastConsumer.Reading;

namespace FastConsumer.Cli.Commands.Changes;

/// <summary>
/// Whether a reset would pass a split or merge. A finished lease stays as it is, so what its shard holds would be left out; and a shard
/// that was made by a reshard begins at its first record, whatever its parent was reset to.
/// </summary>
internal sealed class ReshardCheck(
    IKinesisClient client, StreamIdentifier stream, IReadOnlyList<Shard> shards, IReadOnlyList<Lease> leases, TimeProvider time)
{
    /// <summary>A closed shard without records ends after a few answers; five calls a second are all that its readers have.</summary>
    private const int MostReads = 50;

    private static readonly TimeSpan s_readInterval = TimeSpan.FromMilliseconds(300);

    private readonly Dictionary<string, Shard> _listed = shards.ToDictionary(static shard => shard.ShardId, StringComparer.Ordinal);
    private readonly Dictionary<string, Lease> _leased = leases.ToDictionary(static lease => lease.LeaseKey, StringComparer.Ordinal);
    private readonly Dictionary<string, bool> _hasRecords = new(StringComparer.Ordinal);

    /// <summary>Why this lease is not reset; null where it is.</summary>
    public async Task<string?> RefusalOfAsync(Lease row, ResetTarget target, CancellationToken cancellationToken)
    {
        if (!_listed.TryGetValue(row.LeaseKey, out Shard? shard))
        {
            return $"The stream {stream.Name} has no shard {row.LeaseKey} any more: its records are gone.";
        }

        if (target.Position.Kind == CheckpointKind.Record)
        {
            return await RefusalOfNumberAsync(row, target, cancellationToken);
        }

        if (shard.EndingSequenceNumber is not null && target.Position.Kind is CheckpointKind.Latest or CheckpointKind.AtTimestamp)
        {
            return $"Shard {row.LeaseKey} is closed and not finished. The shards that were made from it would begin at their first record, "
                + "and not there. Wait until it is finished, and reset those.";
        }

        if (target.Position.Kind == CheckpointKind.Latest)
        {
            return null;
        }

        foreach (Shard ancestor in FinishedAncestors(shard))
        {
            if (await HasRecordsAsync(ancestor.ShardId, target, cancellationToken))
            {
                return $"Shard {row.LeaseKey} was made from {ancestor.ShardId}, which is finished and holds records from {target} on: they "
                    + "would be left out. Choose a time after the reshard.";
            }
        }

        return null;
    }

    /// <summary>The shards that it came from, are listed still, and are not read any more.</summary>
    private IEnumerable<Shard> FinishedAncestors(Shard shard)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        Stack<string> left = new(shard.ParentIds());
        while (left.TryPop(out string? id))
        {
            if (seen.Add(id) && _listed.TryGetValue(id, out Shard? ancestor))
            {
                if (!_leased.TryGetValue(id, out Lease? lease) || lease.IsFinished)
                {
                    yield return ancestor;
                }

                foreach (string parent in ancestor.ParentIds())
                {
                    left.Push(parent);
                }
            }
        }
    }

    private async Task<string?> RefusalOfNumberAsync(Lease row, ResetTarget target, CancellationToken cancellationToken)
    {
        try
        {
            await client.GetShardIteratorAsync(
                stream, row.LeaseKey, StartingPosition.At(target.Position.SequenceNumber), cancellationToken);
            return null;
        }
        catch (KinesisException e) when (e.ErrorCode == "InvalidArgumentException")
        {
            return $"{target} is no sequence number of shard {row.LeaseKey}: {e.Message}";
        }
    }

    private async Task<bool> HasRecordsAsync(string shardId, ResetTarget target, CancellationToken cancellationToken)
    {
        if (!_hasRecords.TryGetValue(shardId, out bool known))
        {
            known = await ReadAsync(shardId, target, cancellationToken);
            _hasRecords[shardId] = known;
        }

        return known;
    }

    private async Task<bool> ReadAsync(string shardId, ResetTarget target, CancellationToken cancellationToken)
    {
        StartingPosition from = target.Time is { } at ? StartingPosition.AtTimestamp(at) : StartingPosition.TrimHorizon;
        string? iterator = await client.GetShardIteratorAsync(stream, shardId, from, cancellationToken);
        for (int reads = 0; iterator is not null && reads < MostReads; reads++)
        {
            using (GetRecordsResponse answer = await client.GetRecordsAsync(stream, iterator, 1, cancellationToken))
            {
                if (answer.Count > 0)
                {
                    return true;
                }

                iterator = answer.NextShardIterator;
            }

            await Task.Delay(s_readInterval, time, cancellationToken);
        }

        // it has not come to its end: what is not known counts as records
        return iterator is not null;
    }
}
