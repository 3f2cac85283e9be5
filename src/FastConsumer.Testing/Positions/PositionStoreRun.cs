using System.Globalization;
using FastConsumer.Kinesis;

namespace FastConsumer.Testing.Positions;

/// <summary>One run of one case: the store, and what is asked of it.</summary>
internal sealed class PositionStoreRun(
    string name, PositionStoreUnderTest place, OpenedPositionStore opened, CancellationToken cancellationToken)
    : ConformanceRun(name)
{
    public static readonly PositionKey Key = new(
        "orders",
        "arn:aws:kinesis:eu-central-1:111122223333:stream/orders",
        DateTimeOffset.FromUnixTimeMilliseconds(1_600_000_000_456),
        "shardId-000000000001");

    public IPositionStore Store => opened.Store;

    public OpenedPositionStore Opened => opened;

    public CancellationToken Cancellation => cancellationToken;

    protected override string Described => opened.Store.Description;

    public OpenedPositionStore Open() => place.OpenStore();

    public static CheckpointPosition At(long number, long subSequenceNumber = 0) =>
        CheckpointPosition.At(SequenceNumber.Parse(number.ToString(CultureInfo.InvariantCulture)), subSequenceNumber);

    public Task<StoredPosition> SetEpochAsync(long epoch, PositionKey? key = null) =>
        opened.Store.SetEpochAsync(key ?? Key, epoch, cancellationToken);

    /// <summary>One transaction from its begin to its end, with an effect.</summary>
    public Task<bool> CommitAsync(
        StoredPosition former, CheckpointPosition position, string? effect = null, PositionKey? key = null) => InTransactionAsync(
        effect, transaction => opened.CommitAsync(transaction, key ?? Key, former, position, cancellationToken));

    /// <summary>The same with a whole row, as for outputs.</summary>
    public Task<bool> CommitAsync(StoredPosition former, StoredPosition next, string? effect = null) => InTransactionAsync(
        effect, transaction => opened.CommitAsync(transaction, Key, former, next, cancellationToken));

    public async Task RequireRowAsync(StoredPosition? row, PositionKey? key = null)
    {
        StoredPosition? read = await opened.Store.ReadAsync(key ?? Key, cancellationToken);
        Require(read == row, $"the row of {Text(key ?? Key)} is {Text(read)}, where {Text(row)} is expected");
    }

    public void RequireSame(StoredPosition? found, StoredPosition? expected, string what) =>
        Require(found == expected, $"{what} is {Text(found)}, where {Text(expected)} is expected");

    public Task<IReadOnlyCollection<string>> ReadEffectsAsync() => place.ReadEffectsAsync(cancellationToken);

    public async Task RequireEffectsAsync(params string[] effects)
    {
        IReadOnlyCollection<string> read = await ReadEffectsAsync();
        string found = string.Join(", ", read.Order(StringComparer.Ordinal));
        string expected = string.Join(", ", effects.Order(StringComparer.Ordinal));
        Require(found == expected, $"the effects are [{found}], where [{expected}] are expected");
    }

    protected override Exception Failure(string message) => new PositionStoreConformanceException(message);

    private async Task<bool> InTransactionAsync(string? effect, Func<object, Task<bool>> commit)
    {
        object transaction = await opened.BeginAsync(cancellationToken);
        try
        {
            if (effect is not null)
            {
                await opened.WriteEffectAsync(transaction, effect, cancellationToken);
            }

            return await commit(transaction);
        }
        finally
        {
            await opened.EndAsync(transaction);
        }
    }

    private static string Text(PositionKey key) => $"'{key.Application}', '{key.StreamArn}', {key.StreamCreated:O}, '{key.ShardId}'";

    private static string Text(StoredPosition? row) => row is null
        ? "absent"
        : $"(epoch {row.Epoch}, number {row.Number}, {row.Position?.ToString() ?? "no position"}{Part("runs", row.Runs)}"
            + $"{Part("lineage", row.Lineage)})";

    private static string Part(string name, string? value) => value is null ? "" : $", {name} '{value}'";
}
