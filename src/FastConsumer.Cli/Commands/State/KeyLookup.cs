using System.Text;
using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.State.Format;

namespace FastConsumer.Cli.Commands.State;

/// <summary>Finds what the last named snapshots hold for one partition key.</summary>
/// <param name="context">The surroundings.</param>
/// <param name="store">Where the snapshots are.</param>
/// <param name="key">The partition key.</param>
/// <param name="state">The only state to look into; null for all.</param>
/// <param name="isEverywhere">True to read all of all shards.</param>
internal sealed class KeyLookup(ToolContext context, ICheckpointStore store, string key, string? state, bool isEverywhere)
{
    /// <summary>Owners delete what they supersede, so what rows named a moment ago may be gone.</summary>
    private const int MostReads = 5;

    private readonly byte[] _key = Encoding.UTF8.GetBytes(key);
    private readonly SnapshotReader _reader = new(store, context.Fleet.Application);

    /// <summary>The key's hash key, as the service makes it.</summary>
    public UInt128 HashKey => HashKeys.Of(_key);

    /// <summary>Reads the rows, then what they name.</summary>
    /// <exception cref="ToolException">There is no state to look into.</exception>
    public async Task<IReadOnlyList<LookedUpShard>> FindAsync(CancellationToken cancellationToken)
    {
        for (int reads = 1; ; reads++)
        {
            try
            {
                return await FindOnceAsync(cancellationToken);
            }
            catch (CheckpointObjectMissingException) when (reads < MostReads)
            {
                // a checkpoint has come in between: the rows name another by now
            }
            catch (CheckpointObjectMissingException e)
            {
                throw new ToolException(
                    ExitCodes.Failure,
                    $"{e.Message} Is that the place where the application keeps its state, and is '{context.Fleet.Application}' its name? "
                        + $"See {StatePlace.Local.Name}, {StatePlace.Bucket.Name}, {StatePlace.Prefix.Name} and --application.");
            }
        }
    }

    private async Task<IReadOnlyList<LookedUpShard>> FindOnceAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<Lease> rows = await context.Fleet.ListRowsAsync(cancellationToken);
        List<LookedUpShard> shards = [];
        foreach (Lease row in Choose(rows))
        {
            shards.Add(new LookedUpShard(row, await _reader.OpenAsync(row, cancellationToken)));
        }

        RequireState(shards);
        foreach (LookedUpShard shard in shards)
        {
            foreach (StoredSnapshot snapshot in shard.Snapshots)
            {
                shard.Entries.AddRange(
                    (await ReadAsync(snapshot, cancellationToken)).Select(entry => (snapshot.Manifest, entry)));
            }
        }

        return shards;
    }

    /// <summary>The rows to look into: that of the key's shard, or all.</summary>
    private List<Lease> Choose(IReadOnlyList<Lease> rows)
    {
        string table = context.Fleet.Store.Description;
        if (rows.Count == 0)
        {
            throw new ToolException(ExitCodes.Failure, $"{table} has no leases: no worker has begun with the stream.");
        }

        if (!rows.Any(static row => row.HasState))
        {
            throw new ToolException(
                ExitCodes.Failure,
                $"No lease in {table} names a state. Either the processor keeps none ([State]), or none was checkpointed yet: look "
                    + "again after CheckpointInterval. 'checkpoint show' shows how far the shards are.");
        }

        UInt128 hashKey = HashKey;
        List<Lease> chosen = [.. SnapshotReader.Current(rows)
            .Where(row => row.HasState && (isEverywhere || row.HashKeyRange is not { } range || range.Contains(hashKey)))
            .OrderBy(static row => row.LeaseKey, StringComparer.Ordinal)];
        if (chosen.Find(static row => row.Snapshot is { } handle && SnapshotHandle.Parse(handle) is null) is { } unreadable)
        {
            throw new ToolException(
                ExitCodes.Failure,
                $"The lease of shard {unreadable.LeaseKey} in {table} names its state as '{unreadable.Snapshot}', which cannot be read. "
                    + "The worker leaves that shard alone too: see 'findings'.");
        }

        return chosen.Count > 0
            ? chosen
            : throw new ToolException(
                ExitCodes.Failure,
                $"The shard of key '{key}' (hash key {hashKey}) has no snapshot yet: its lease in {table} names none, or is not there. "
                    + "Look again after CheckpointInterval, or in all shards with --everywhere.");
    }

    private void RequireState(List<LookedUpShard> shards)
    {
        SortedSet<string> names = new(
            shards.SelectMany(static shard => shard.Snapshots).SelectMany(static snapshot => snapshot.Manifest.States)
                .Select(static declared => declared.Name),
            StringComparer.Ordinal);
        if (state is not null && names.Count > 0 && !names.Contains(state))
        {
            throw new ToolException(
                ExitCodes.Failure,
                $"There is no state '{state}' in the snapshot of {string.Join(", ", shards.Select(static shard => shard.Row.LeaseKey))}, "
                    + $"but {string.Join(", ", names.Select(static name => $"'{name}'"))}: name one of these, or leave --state out.");
        }
    }

    /// <summary>
    /// The blocks with the key's hash key are enough, unless a producer has set explicit hash keys: then the rest of the shard's is read.
    /// </summary>
    private async Task<List<StoredState>> ReadAsync(StoredSnapshot snapshot, CancellationToken cancellationToken)
    {
        if (!isEverywhere)
        {
            List<StoredState> found = await _reader.ReadAsync(
                snapshot, state, HashKeyGroups.Of(HashKey), _key, cancellationToken);
            if (found.Count > 0)
            {
                return found;
            }
        }

        return await _reader.ReadAsync(snapshot, state, null, _key, cancellationToken);
    }
}

/// <summary>One shard that was looked into.</summary>
/// <param name="Row">Its row.</param>
/// <param name="Snapshots">Its snapshot, or those of its parents; none for the empty state.</param>
internal sealed record LookedUpShard(Lease Row, IReadOnlyList<StoredSnapshot> Snapshots)
{
    /// <summary>What was found, with the snapshot that holds it.</summary>
    public List<(SnapshotManifest Manifest, StoredState Entry)> Entries { get; } = [];
}
