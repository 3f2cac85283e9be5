using System.Globalization;
using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using FastConsumer.Processors;
using FastConsumer.State.Format;
using FastConsumer.Tests.Leases.Core;

namespace FastConsumer.Tests.State;

/// <summary>
/// One owner's run of a shard with state, step by step: the state, its checkpoints, and the row as the writes of the lease leave it. Each
/// record adds one to the total of its key.
/// </summary>
internal sealed class ScheduledShard
{
    private static readonly DateTimeOffset s_now = DateTimeOffset.UnixEpoch + TimeSpan.FromHours(1);
    private static readonly TimeSpan s_retention = TimeSpan.FromHours(24);

    private readonly ProcessorState _state = new(1);
    private readonly KeyedState<long> _totals;
    private readonly StateLane _lane;
    private readonly ShardCheckpoint _checkpoints;

    /// <param name="place">Where the owner's process keeps snapshots.</param>
    /// <param name="taken">The row as it was taken.</param>
    /// <param name="ttl">How long totals stay; null for ever.</param>
    /// <param name="settings">How checkpoints are taken.</param>
    public ScheduledShard(CheckpointPlace place, Lease taken, TimeSpan? ttl = null, CheckpointingSettings? settings = null)
    {
        Row = Lease.Read(taken.LeaseKey, taken.ToAttributes());
        _totals = _state.AddState("totals", ttl, new NumberSerializer());
        _lane = new StateLane(_state, taken.Checkpoint.Kind == CheckpointKind.Record
            ? long.Parse(taken.Checkpoint.SequenceNumber.ToString(), CultureInfo.InvariantCulture)
            : 0);
        _checkpoints = new ShardCheckpoint(_state, place, About(taken), taken, taken.LeaseCounter, settings);
    }

    /// <summary>The row as its last write has left it.</summary>
    public Lease Row { get; private set; }

    public static CheckpointPosition At(long number) =>
        CheckpointPosition.At(SequenceNumber.Parse(number.ToString(CultureInfo.InvariantCulture)));

    /// <summary>What manifests of a shard say beside its state.</summary>
    public static SnapshotManifest About(Lease row) => new()
    {
        Application = "tests",
        StreamArn = "arn:aws:kinesis:eu-central-1:123456789012:stream/stream",
        StreamCreated = 1_700_000_000_000,
        Processor = "Tested",
        StateVersion = 1,
        Shard = row.LeaseKey,
        StartingHashKey = $"{row.HashKeyRange?.StartingHashKey ?? UInt128.MinValue}",
        EndingHashKey = $"{row.HashKeyRange?.EndingHashKey ?? UInt128.MaxValue}",
        Lineage = row.TableLineage!,
        Epoch = row.LeaseCounter,
        Number = 0,
        Position = "",
        StreamTime = 0,
        States = [],
        Ranges = [],
    };

    public async Task<ScheduledShard> RestoredAsync(CancellationToken cancellationToken, bool haveParentsState = false)
    {
        await _checkpoints.RestoreAsync(haveParentsState, s_now, s_retention, cancellationToken);
        return this;
    }

    public ScheduledShard Handle(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
        {
            Handle(new StateRecord(key));
        }

        return this;
    }

    public ScheduledShard Handle(StateRecord record)
    {
        _lane.Handle(record, context => _totals.Of(context).Edit()++);
        return this;
    }

    /// <summary>A record that removes the total of its key.</summary>
    public void Remove(string key) => _lane.Handle(key, context => _totals.Of(context).Clear());

    /// <summary>Takes a checkpoint, and writes the lease as the machine does. Returns the row.</summary>
    public async Task<Lease> CheckpointAsync(CancellationToken cancellationToken, CheckpointPosition? at = null)
    {
        await SealAsync(cancellationToken, at);
        return Name(_checkpoints.Sealed!.Position, _checkpoints.Sealed.Handle);
    }

    /// <summary>Takes a checkpoint, and the write of the lease is not heard of. Returns the handle.</summary>
    public async Task<string> SealAsync(CancellationToken cancellationToken, CheckpointPosition? at = null)
    {
        CheckpointPosition position = at ?? (_lane.Done > 0 ? At(_lane.Done) : Row.Checkpoint);
        long time = Math.Max(_checkpoints.RestoredTime, _lane.StreamTime);
        Assert.True(await _checkpoints.SealAsync(
            () => (new DoneAtCut(position, time, [], DoneRuns.None), time), seen: null, TimeSpan.Zero, cancellationToken));
        return _checkpoints.Sealed!.Handle;
    }

    /// <summary>A write of the lease that takes effect.</summary>
    public Lease Name(CheckpointPosition position, string handle)
    {
        LeaseWrite write = LeaseMachine.Renew(
            new LeaseCommand.Renewal(Row.LeaseKey, Row.LeaseCounter, Row, IsRenewalDue: true),
            new(position, null, Snapshot: handle, StateVersion: 1))!;
        Row = LeaseWorld.Changed(Row, new(write.Set, StringComparer.Ordinal), [.. write.Remove]);
        _checkpoints.Settle(Row);
        return Row;
    }

    /// <summary>The run is over.</summary>
    public void Leave() => _checkpoints.Leave();

    /// <summary>Deletes what no row names any more.</summary>
    public Task ForgetAsync(CancellationToken cancellationToken) => _checkpoints.ForgetAsync(cancellationToken);

    /// <summary>The total of a key; null for none. No checkpoint is taken after this: the question was a record.</summary>
    public long? TotalOf(string key)
    {
        long? total = null;
        _lane.Handle(key, context => total = _totals.Of(context).Exists ? _totals.Of(context).Value : null);
        return total;
    }
}
