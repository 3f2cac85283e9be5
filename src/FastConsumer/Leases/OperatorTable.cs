using System.Globalization;
using System.Text;
using FastConsumer.Operators;

namespace FastConsumer.Leases;

/// <summary>
/// What an operator does by way of the lease table, from this process or any other. It writes to a row what its owner is to do, and
/// notifies the owner; it touches neither counter nor owner of a row, so no write of the owner is disturbed.
/// </summary>
/// <param name="store">The table.</param>
/// <param name="processorName">The processor whose table it is.</param>
/// <param name="time">The clock.</param>
/// <param name="random">Names commands and notifications.</param>
internal sealed partial class OperatorTable(ILeaseStore store, string processorName, TimeProvider time, Random random)
{
    private const int LongestBy = 64;
    private const int LongestReason = 128;
    private const int Tries = 3;

    private static readonly TimeSpan s_lookInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>An owner hears of a command within a second, and carries it out as fast as it takes its lease anew.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>Refuses what does not fit into a row.</summary>
    /// <exception cref="ArgumentException">A name is missing, or a text is too long.</exception>
    public static void Check(string by, string? reason)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(by);
        ThrowIfLong(by, LongestBy, nameof(by));
        ThrowIfLong(reason ?? "", LongestReason, nameof(reason));

        static void ThrowIfLong(string text, int most, string name)
        {
            if (Encoding.UTF8.GetByteCount(text) > most)
            {
                throw new ArgumentException($"'{text}' is longer than {most} bytes of UTF-8.", name);
            }
        }
    }

    /// <summary>The records that shards fail on, of all workers.</summary>
    public async Task<IReadOnlyList<FailingRecord>> ListFailingAsync(CancellationToken cancellationToken) =>
    [
        .. (await store.ListAsync(ReadConsistency.Strong, cancellationToken))
            .Select(FailingIn)
            .OfType<FailingRecord>()
            .OrderBy(static record => record.ShardId, StringComparer.Ordinal),
    ];

    /// <summary>Writes a decision to the row, and waits for what becomes of it.</summary>
    /// <exception cref="LeaseStoreException">The table cannot be read or written.</exception>
    /// <exception cref="TimeoutException">The owner has not answered within 30 s.</exception>
    public async Task<DecidedRecord> DecideAsync(
        FailingRecord record, RecordDecision decision, string by, string? reason, CancellationToken cancellationToken)
    {
        Check(by, reason);
        var command = new OperatorCommand(
            NewId(), record.FencingToken, record.Position, decision, by, reason, time.GetUtcNow(), record.Error, record.Attempts);
        for (int attempt = 1; ; attempt++)
        {
            Lease? row = await ReadAsync(record.ShardId, cancellationToken);
            if (OperatorNotes.ReadCommand(row?.Command)?.Id == command.Id || OperatorNotes.ReadDecision(row?.Decision)?.Id == command.Id)
            {
                // the answer to the write was lost
                return await AnswerAsync(command, row!, cancellationToken);
            }

            if (Refusal(record, row) is { } refusal)
            {
                return command.Decided(refusal);
            }

            LeaseWrite.Result result = await WriteAsync(
                new LeaseWrite
                {
                    LeaseKey = record.ShardId,
                    If = new Dictionary<string, Lease.Value?>(StringComparer.Ordinal)
                    {
                        [Lease.Names.LeaseOwner] = Lease.Value.Optional(row!.LeaseOwner),
                        [Lease.Names.Standing] = Lease.Value.Optional(row.Standing),
                        [Lease.Names.Command] = null,
                    },
                    Set = Set(Lease.Names.Command, OperatorNotes.Write(command)),
                },
                cancellationToken);
            if (result.Outcome == LeaseWrite.Outcome.Written)
            {
                return await AnswerAsync(command, row, cancellationToken);
            }

            bool mayPass = result.Outcome == LeaseWrite.Outcome.Refused || result.Error is LeaseStoreException { IsTransient: true };
            if (!mayPass || attempt == Tries)
            {
                throw new LeaseStoreException(
                    $"The decision about record {record.Position} of shard {record.ShardId} was not written to {store.Description}, as far "
                        + $"as is known: {result.Error?.Message ?? "its row changes all the time."} List the failing records, and try "
                        + "again.",
                    isTransient: true,
                    result.Error);
            }

            await Task.Delay(s_lookInterval * attempt, time, cancellationToken);
        }
    }

    /// <summary>Pauses one shard, or all. Returns those that were.</summary>
    /// <exception cref="LeaseStoreException">The table cannot be read or written.</exception>
    public Task<IReadOnlyList<string>> PauseAsync(
        string? shardId, string by, string? reason, DateTimeOffset? until, CancellationToken cancellationToken)
    {
        Check(by, reason);
        string pause = OperatorNotes.Write(new ShardPause
        {
            By = by,
            Reason = reason,
            At = time.GetUtcNow(),
            Until = until,
            IsOfAll = shardId is null,
        });
        return ChangeAsync(
            shardId,
            static row => !row.IsFinished,
            row => new LeaseWrite { LeaseKey = row.LeaseKey, If = s_always, Set = Set(Lease.Names.Paused, pause) },
            cancellationToken);
    }

    /// <summary>Ends the pause of one shard, or of all. Returns those that were paused.</summary>
    /// <exception cref="LeaseStoreException">The table cannot be read or written.</exception>
    public Task<IReadOnlyList<string>> ResumeAsync(string? shardId, CancellationToken cancellationToken) => ChangeAsync(
        shardId,
        static row => row.Paused is not null,
        static row => new LeaseWrite { LeaseKey = row.LeaseKey, If = s_always, Remove = [Lease.Names.Paused] },
        cancellationToken);

    private static readonly Dictionary<string, Lease.Value?> s_always = new(StringComparer.Ordinal);

    private static Dictionary<string, Lease.Value> Set(string name, string value) => new(StringComparer.Ordinal) { [name] = value };

    private string NewId() => random.NextInt64().ToString("x16", CultureInfo.InvariantCulture);

    private FailingRecord? FailingIn(Lease row) => row.Problem is null && OperatorNotes.ReadStanding(row.Standing) is { } standing
        ? new FailingRecord
        {
            ProcessorName = processorName,
            ShardId = row.LeaseKey,
            Position = standing.Position,
            FencingToken = standing.Epoch,
            Error = standing.Error,
            Attempts = standing.Attempts,
            IsStopped = standing.IsStopped,
            Owner = row.LeaseOwner,
        }
        : null;

    private string? Refusal(FailingRecord record, Lease? row) =>
        row is null ? $"There is no lease for shard {record.ShardId} in {store.Description}."
        : FailingIn(row) is not { } now || now.Position != record.Position
            ? $"Shard {record.ShardId} no longer fails on record {record.Position}."
        : now.FencingToken != record.FencingToken
            ? $"Shard {record.ShardId} has another owner since (fencing token {now.FencingToken}, and not {record.FencingToken})."
        : row.Command is not null ? $"Another decision about shard {record.ShardId} is under way."
        : null;

    /// <summary>Notifies the owner of a row that bears a command, and waits for what becomes of it.</summary>
    private async Task<DecidedRecord> AnswerAsync(OperatorCommand command, Lease written, CancellationToken cancellationToken)
    {
        string shardId = written.LeaseKey;
        await NotifyAsync([written.LeaseOwner], cancellationToken);
        long since = time.GetTimestamp();
        while (true)
        {
            Lease? row = await ReadAsync(shardId, cancellationToken);
            if (OperatorNotes.ReadDecision(row?.Decision) is { } decision && decision.Id == command.Id)
            {
                return decision;
            }

            if (time.GetElapsedTime(since) >= s_patience)
            {
                throw new TimeoutException(
                    $"The owner of shard {shardId} ({row?.LeaseOwner ?? "nobody"}) has not answered within {s_patience.TotalSeconds} s. "
                        + "Where it has lost the shard meanwhile, the decision is void: list the failing records again.");
            }

            await Task.Delay(s_lookInterval, time, cancellationToken);
        }
    }

    private async Task<Lease?> ReadAsync(string shardId, CancellationToken cancellationToken)
    {
        IReadOnlyList<Lease> rows = await store.GetManyAsync([shardId], ReadConsistency.Strong, cancellationToken);
        return rows.Count > 0 ? rows[0] : null;
    }

    private async Task<LeaseWrite.Result> WriteAsync(LeaseWrite write, CancellationToken cancellationToken) =>
        (await store.WriteAsync([write], cancellationToken))[0];

    private async Task<IReadOnlyList<string>> ChangeAsync(
        string? shardId, Func<Lease, bool> isMeant, Func<Lease, LeaseWrite> change, CancellationToken cancellationToken)
    {
        IReadOnlyList<Lease> rows = shardId is null
            ? await store.ListAsync(ReadConsistency.Strong, cancellationToken)
            : await store.GetManyAsync([shardId], ReadConsistency.Strong, cancellationToken);
        List<Lease> changed = [];
        try
        {
            foreach (Lease row in rows.Where(row => row.Problem is null && isMeant(row)))
            {
                await WriteAsync(row, change(row), cancellationToken);
                changed.Add(row);
            }
        }
        finally
        {
            await NotifyAsync(changed.Select(static row => row.LeaseOwner), cancellationToken);
        }

        return [.. changed.Select(static row => row.LeaseKey)];
    }

    private async Task WriteAsync(Lease row, LeaseWrite write, CancellationToken cancellationToken)
    {
        LeaseWrite.Result result = await WriteAsync(write, cancellationToken);
        for (int attempt = 1; attempt < Tries && result.Error is LeaseStoreException { IsTransient: true }; attempt++)
        {
            await Task.Delay(s_lookInterval * attempt, time, cancellationToken);
            result = await WriteAsync(write, cancellationToken);
        }

        if (result.Outcome is LeaseWrite.Outcome.NotWritten or LeaseWrite.Outcome.Unknown)
        {
            throw new LeaseStoreException(
                $"The row of shard {row.LeaseKey} in {store.Description} was not written: "
                    + $"{result.Error?.Message ?? "there was no answer."} What was asked for again does no harm.",
                isTransient: true,
                result.Error);
        }
    }

    /// <summary>
    /// Tells owners to list the table. They do so by themselves after a while: a notification that is lost costs time only.
    /// </summary>
    private async Task NotifyAsync(IEnumerable<string?> owners, CancellationToken cancellationToken)
    {
        HashSet<string> named = new(owners.OfType<string>(), StringComparer.Ordinal);
        if (named.Count == 0)
        {
            return;
        }

        string notification = $"operator/{NewId()}";
        IEnumerable<IGrouping<string, Lease>> held = (await store.ListAsync(ReadConsistency.Eventual, cancellationToken))
            .Where(static row => row is { Problem: null, IsHeldByFastConsumer: true, IsFinished: false })
            .OrderBy(static row => row.LeaseKey, StringComparer.Ordinal)
            .GroupBy(static row => row.LeaseOwner!, StringComparer.Ordinal);
        foreach (IGrouping<string, Lease> owned in held.Where(owned => named.Contains(owned.Key)))
        {
            foreach (Lease row in owned.Take(Tries))
            {
                LeaseWrite.Result result = await WriteAsync(
                    new LeaseWrite
                    {
                        LeaseKey = row.LeaseKey,
                        If = new Dictionary<string, Lease.Value?>(StringComparer.Ordinal)
                        {
                            [Lease.Names.LeaseOwner] = owned.Key,
                            [Lease.Names.CheckpointOwner] = null,
                        },
                        Set = Set(Lease.Names.Notification, notification),
                    },
                    cancellationToken);
                if (result.Outcome == LeaseWrite.Outcome.Written)
                {
                    break;
                }
            }
        }
    }
}
