using FastConsumer.Checkpoints;
using FastConsumer.Leases;

namespace FastConsumer.Savepoints;

/// <content>Writes the rows of a table that nobody works on.</content>
public sealed partial class SavepointStore
{
    private const int WrittenAtOnce = 25;
    private const int MostWrites = 5;

    private static readonly TimeSpan s_writeInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>Replaces and creates the planned rows, and deletes the others.</summary>
    private async Task WriteRowsAsync(
        SavepointTarget target, List<Lease> planned, Dictionary<string, Lease> former, CancellationToken cancellationToken)
    {
        List<(Lease Row, Lease? Former)> left =
        [
            .. planned.Select(row => (Row: row, Former: former.GetValueOrDefault(row.LeaseKey))),
        ];
        List<Lease> unwanted = [.. former.Values.Where(row => !planned.Exists(one => one.LeaseKey == row.LeaseKey))];
        int done = 0;
        int all = left.Count + unwanted.Count;
        for (; left.Count > 0; left.RemoveRange(0, Math.Min(WrittenAtOnce, left.Count)))
        {
            await WriteSomeAsync(target, [.. left.Take(WrittenAtOnce)], done, all, cancellationToken);
            done += Math.Min(WrittenAtOnce, left.Count);
        }

        foreach (Lease row in unwanted)
        {
            await DeleteRowAsync(target, row, done, all, cancellationToken);
            done++;
        }
    }

    /// <summary>
    /// Creates the row that keeps workers from the table, unless a restore that was broken off has left it: then it is not the first.
    /// </summary>
    private async Task<(Lease Mark, bool IsFirst)> MarkAsync(
        Savepoint savepoint, SavepointTarget target, CancellationToken cancellationToken)
    {
        var mark = new Lease
        {
            LeaseKey = Lease.Names.RestoreKey,
            Checkpoint = CheckpointPosition.ShardEnd,
            StreamName = $"(savepoint '{savepoint.Name}' by {target.By})",
        };
        bool wasThere = (await target.Leases.GetManyAsync([mark.LeaseKey], ReadConsistency.Strong, cancellationToken)).Count > 0;
        for (int writes = 1; ; writes++)
        {
            LeaseWrite.Result result = await target.Leases.CreateAsync(mark, cancellationToken);
            if (await target.Leases.GetManyAsync([mark.LeaseKey], ReadConsistency.Strong, cancellationToken) is [{ } there])
            {
                return (there, !wasThere);
            }

            if (writes == MostWrites || result.Error is LeaseStoreException { IsTransient: false })
            {
                throw new SavepointException(
                    $"Nothing was changed: {target.Leases.Description} takes no rows. {result.Error?.Message}", result.Error);
            }

            await Task.Delay(s_writeInterval * writes, _time, cancellationToken);
        }
    }

    /// <summary>From the mark on nothing begins; what had begun before has changed the rows.</summary>
    private async Task RequireUnchangedAsync(
        SavepointTarget target, Dictionary<string, Lease> former, Lease? mark, CancellationToken cancellationToken)
    {
        List<Lease> now = [.. (await target.Leases.ListAsync(ReadConsistency.Strong, cancellationToken))
            .Where(static row => row.LeaseKey != Lease.Names.RestoreKey)];
        if (now.Count != former.Count || now.Exists(row => former.GetValueOrDefault(row.LeaseKey)?.LeaseCounter != row.LeaseCounter))
        {
            if (mark is not null)
            {
                await DeleteRowAsync(target, mark, 0, former.Count, cancellationToken);
            }

            throw new SavepointException(
                $"Nothing was changed: a worker has begun with {target.Leases.Description} meanwhile. Stop all workers of the "
                    + "application, and restore then.");
        }
    }

    /// <summary>The table has the planned rows and no others, and all that was copied for them is there.</summary>
    private async Task RequireCompleteAsync(
        SavepointTarget target,
        List<Lease> planned,
        Func<string, string> nameOf,
        IReadOnlyList<string> objects,
        CancellationToken cancellationToken)
    {
        Dictionary<string, string?> lives = planned.ToDictionary(
            static row => row.LeaseKey, static row => row.Lineage, StringComparer.Ordinal);
        foreach (Lease row in (await target.Leases.ListAsync(ReadConsistency.Strong, cancellationToken))
            .Where(static row => row.LeaseKey != Lease.Names.RestoreKey))
        {
            if (!lives.Remove(row.LeaseKey, out string? life) || life != row.Lineage)
            {
                throw BrokenOff(target, row.LeaseKey, planned.Count, planned.Count, null);
            }
        }

        if (lives.Count > 0)
        {
            throw BrokenOff(target, lives.First().Key, planned.Count - lives.Count, planned.Count, null);
        }

        try
        {
            foreach (string one in objects)
            {
                await _store.ReadAsync(nameOf(one), 0, Memory<byte>.Empty, cancellationToken);
            }
        }
        catch (CheckpointObjectMissingException e)
        {
            throw new SavepointException(
                $"The restore is not complete: a worker has deleted what was copied. {e.Message} Stop all workers of the application. They "
                    + "take nothing from this table until the restore is complete: repeat it.",
                e);
        }
    }

    private async Task WriteSomeAsync(
        SavepointTarget target, List<(Lease Row, Lease? Former)> some, int done, int all, CancellationToken cancellationToken)
    {
        for (int writes = 1; ; writes++)
        {
            List<(Lease Row, Lease? Former)> left = [];
            Exception? error = null;
            foreach (((Lease Row, Lease? Former) write, LeaseWrite.Result result) in some.Zip(
                await WriteOnceAsync(target.Leases, some, cancellationToken)))
            {
                if (result.Outcome != LeaseWrite.Outcome.Written)
                {
                    left.Add(write);
                    error ??= result.Error;
                }
            }

            if (left.Count == 0)
            {
                return;
            }

            // a write whose answer was lost may have been made: the row bears the life that was drawn for it
            HashSet<string?> lives = [.. (await target.Leases.GetManyAsync(
                [.. left.Select(static write => write.Row.LeaseKey)], ReadConsistency.Strong, cancellationToken))
                .Select(static row => row.Lineage)];
            left.RemoveAll(write => lives.Contains(write.Row.Lineage));
            if (left.Count == 0)
            {
                return;
            }

            if (writes == MostWrites || error is LeaseStoreException { IsTransient: false })
            {
                throw BrokenOff(target, left[0].Row.LeaseKey, done, all, error);
            }

            some = left;
            await Task.Delay(s_writeInterval * writes, _time, cancellationToken);
        }
    }

    private static async Task<IReadOnlyList<LeaseWrite.Result>> WriteOnceAsync(
        ILeaseStore leases, List<(Lease Row, Lease? Former)> some, CancellationToken cancellationToken)
    {
        LeaseWrite[] replacing = [.. some.Where(static write => write.Former is not null)
            .Select(static write => Replace(write.Former!, write.Row))];
        Queue<LeaseWrite.Result> replaced = new(replacing.Length == 0
            ? []
            : await leases.WriteAsync(replacing, cancellationToken));
        List<LeaseWrite.Result> results = [];
        foreach ((Lease row, Lease? former) in some)
        {
            results.Add(former is null
                ? await leases.CreateAsync(row, cancellationToken)
                : replaced.Dequeue());
        }

        return results;
    }

    /// <summary>All of a row but its key becomes another's, on condition that nobody has written it since.</summary>
    private static LeaseWrite Replace(Lease former, Lease row)
    {
        Dictionary<string, Lease.Value> set = new(row.ToAttributes(), StringComparer.Ordinal);
        set.Remove(Lease.Names.LeaseKey);
        return new LeaseWrite
        {
            LeaseKey = row.LeaseKey,
            If = new Dictionary<string, Lease.Value?>(StringComparer.Ordinal)
            {
                [Lease.Names.LeaseCounter] = former.LeaseCounter,
                [Lease.Names.LeaseOwner] = Lease.Value.Optional(former.LeaseOwner),
                [Lease.Names.CheckpointOwner] = Lease.Value.Optional(former.CheckpointOwner),
                [Lease.Names.Session] = Lease.Value.Optional(former.Session),
            },
            Set = set,
            Remove = [.. former.Attributes.Keys.Where(name => name != Lease.Names.LeaseKey && !set.ContainsKey(name))],
        };
    }

    private async Task DeleteRowAsync(SavepointTarget target, Lease row, int done, int all, CancellationToken cancellationToken)
    {
        for (int writes = 1; ; writes++)
        {
            LeaseWrite.Result result = await target.Leases.DeleteAsync(row, cancellationToken);
            if (result.Outcome == LeaseWrite.Outcome.Written
                || (await target.Leases.GetManyAsync([row.LeaseKey], ReadConsistency.Strong, cancellationToken))
                    .Count == 0)
            {
                return;
            }

            if (writes == MostWrites || result.Error is LeaseStoreException { IsTransient: false })
            {
                throw BrokenOff(target, row.LeaseKey, done, all, result.Error);
            }

            await Task.Delay(s_writeInterval * writes, _time, cancellationToken);
        }
    }

    private static SavepointException BrokenOff(SavepointTarget target, string shard, int done, int all, Exception? error) => new(
        $"The restore is not complete: the lease of shard {shard} in {target.Leases.Description} is another one than was to be. "
            + $"{error?.Message ?? "A worker has written it meanwhile. Stop all workers of the application."} About {done} of {all} leases "
            + "are done. Workers take nothing from this table until the restore is complete: repeat it.",
        error);
}
