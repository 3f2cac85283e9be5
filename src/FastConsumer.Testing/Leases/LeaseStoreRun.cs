using FastConsumer.Leases;

namespace FastConsumer.Testing.Leases;

/// <summary>One run of one case: the store, and what is asked of it.</summary>
internal sealed class LeaseStoreRun(string name, LeaseStoreUnderTest table, ILeaseStore store, CancellationToken cancellationToken)
    : ConformanceRun(name)
{
    public const string Key = "shardId-000000000001";

    public ILeaseStore Store => store;

    public CancellationToken Cancellation => cancellationToken;

    protected override string Described => store.Description;

    public ILeaseStore Open() => table.Open();

    public Task PutAsync(string leaseKey, IReadOnlyDictionary<string, Lease.Value> attributes) =>
        table.PutAsync(leaseKey, attributes, cancellationToken);

    /// <summary>A row as KCL writes it, with more.</summary>
    public static Dictionary<string, Lease.Value> Row(params (string Name, Lease.Value Value)[] more)
    {
        var row = new Dictionary<string, Lease.Value>(StringComparer.Ordinal)
        {
            [Lease.Names.LeaseCounter] = 4,
            [Lease.Names.OwnerSwitchesSinceCheckpoint] = 0,
            [Lease.Names.Checkpoint] = "TRIM_HORIZON",
            [Lease.Names.CheckpointSubSequenceNumber] = 0,
        };
        foreach ((string attribute, Lease.Value value) in more)
        {
            row[attribute] = value;
        }

        return row;
    }

    /// <summary>A condition or the sets of a write.</summary>
    public static Dictionary<string, Lease.Value?> If(params (string Name, Lease.Value? Value)[] conditions) =>
        conditions.ToDictionary(static pair => pair.Name, static pair => pair.Value, StringComparer.Ordinal);

    /// <inheritdoc cref="If"/>
    public static Dictionary<string, Lease.Value> Set(params (string Name, Lease.Value Value)[] sets) =>
        sets.ToDictionary(static pair => pair.Name, static pair => pair.Value, StringComparer.Ordinal);

    /// <summary>The next counter on condition of this one.</summary>
    public static LeaseWrite Renewal(string leaseKey = Key, long counter = 4) => new()
    {
        LeaseKey = leaseKey,
        If = If((Lease.Names.LeaseCounter, counter)),
        Set = Set((Lease.Names.LeaseCounter, counter + 1)),
    };

    public async Task<LeaseWrite.Result> WriteAsync(LeaseWrite write)
    {
        IReadOnlyList<LeaseWrite.Result> results = await store.WriteAsync([write], cancellationToken);
        Require(results.Count == 1, $"one write gave {results.Count} results");
        return results[0];
    }

    /// <summary>The row by a strong read; null where there is none.</summary>
    public async Task<Lease?> ReadAsync(string leaseKey = Key)
    {
        IReadOnlyList<Lease> found = await store.GetManyAsync([leaseKey], ReadConsistency.Strong, cancellationToken);
        Require(found.Count <= 1, $"one key gave {found.Count} rows");
        return found.Count == 0 ? null : found[0];
    }

    public async Task RequireWrittenAsync(LeaseWrite.Result result, string leaseKey, IReadOnlyDictionary<string, Lease.Value> row)
    {
        Require(result.Outcome == LeaseWrite.Outcome.Written, $"the write of '{leaseKey}' was {Text(result)}, where Written is expected");
        Require(result.Error is null, $"the write of '{leaseKey}' came with an error: {result.Error}");
        if (result.Row is { } said)
        {
            RequireRow(said, row, "the answer to a write that took effect");
        }

        await RequireRowAsync(leaseKey, row);
    }

    public async Task RequireRefusedAsync(LeaseWrite.Result result, string leaseKey, IReadOnlyDictionary<string, Lease.Value>? row)
    {
        Require(result.Outcome == LeaseWrite.Outcome.Refused, $"the write of '{leaseKey}' was {Text(result)}, where Refused is expected");
        Require(result.Error is null, $"the refusal of '{leaseKey}' came with an error: {result.Error}");
        if (result.Row is { } said)
        {
            Require(row is not null, $"the refusal of '{leaseKey}' came with a row, where there is none");
            RequireRow(said, row!, "the row that came with a refusal");
        }

        await RequireRowAsync(leaseKey, row);
    }

    public async Task RequireRowAsync(string leaseKey, IReadOnlyDictionary<string, Lease.Value>? row)
    {
        Lease? read = await ReadAsync(leaseKey);
        Require((read is null) == (row is null),
            $"row '{leaseKey}' is {(read is null ? "gone" : "there")}, where it should{(row is null ? " not" : "")} be");
        if (read is not null)
        {
            RequireRow(read, row!, "the row as it was read");
        }
    }

    public void RequireRow(Lease read, IReadOnlyDictionary<string, Lease.Value> row, string what)
    {
        Dictionary<string, Lease.Value> actual = read.Attributes
            .Where(static pair => pair.Key != Lease.Names.LeaseKey)
            .ToDictionary(StringComparer.Ordinal);
        foreach (string attribute in row.Keys.Union(actual.Keys).Order(StringComparer.Ordinal))
        {
            string expected = Text(row, attribute);
            string found = Text(actual, attribute);
            bool isSame = row.TryGetValue(attribute, out Lease.Value one) == actual.TryGetValue(attribute, out Lease.Value other)
                && one == other;
            Require(isSame, $"{what}, '{read.LeaseKey}': {attribute} is {found}, where {expected} is expected");
        }
    }

    public static string Text(LeaseWrite.Result result) =>
        result.Error is { } error ? $"{result.Outcome} ({error.Message})" : $"{result.Outcome}";

    protected override Exception Failure(string message) => new LeaseStoreConformanceException(message);

    private static string Text(IReadOnlyDictionary<string, Lease.Value> row, string attribute) =>
        row.TryGetValue(attribute, out Lease.Value value) ? $"{value.Type} '{value}'" : "absent";
}
