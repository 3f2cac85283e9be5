using FastConsumer.Leases;
using FastConsumer.Processors;
using FastConsumer.State.Format;
using FastConsumer.Timing;

namespace FastConsumer.Checkpoints;

/// <summary>
/// The checkpoints of one shard's state while this worker has the shard. A checkpoint is a cut of the state and the position at which it
/// was taken, written into an object; the lease's row then names it in the write that moves the position.
/// </summary>
/// <remarks>
/// What must hold: the row names an object only once its store has it (<see cref="Sealed"/>); position and handle are said together; what
/// a checkpoint writes, together with the ranges of the last one that was stored, is all of the state; an object is deleted only when a
/// later snapshot is named that has nothing in it, since from then on no write that needs it can succeed. One caller at a time, but for
/// <see cref="Sealed"/> and <see cref="Settle"/>.
/// </remarks>
internal sealed partial class ShardCheckpoint
{
    private readonly Lock _lock = new();
    private readonly ProcessorState _state;
    private readonly CheckpointPlace _place;
    private readonly Lease _taken;
    private readonly SnapshotManifest _about;
    private readonly string _lineage;
    private readonly bool _allowUndeclared;
    private readonly List<Snapshot> _unnamed = [];

    // those that the row has named before and that are kept, the oldest first
    private readonly Queue<Snapshot> _retained = [];
    private readonly CheckpointingSettings _settings;
    private readonly RollingGroups _rolling;
    private readonly List<string> _superseded = [];
    private bool _isLeft;
    private CheckpointId _id;
    private volatile Snapshot? _sealed;
    private Snapshot? _named;
    private TaskCompletionSource? _durable;

    // what the last checkpoint that was stored leads to: the next one writes what has changed behind it. Null where all is to be written
    private IReadOnlyList<SnapshotRange>? _ranges;
    private long _streamTime;

    /// <param name="state">The state; the gate belongs to its lane.</param>
    /// <param name="place">Where snapshots are kept.</param>
    /// <param name="about">What each manifest says of application, stream and processor; the rest is written over.</param>
    /// <param name="taken">The lease's row as it was taken.</param>
    /// <param name="epoch">The fencing token.</param>
    /// <param name="settings">How checkpoints are taken.</param>
    /// <param name="allowUndeclared">Drops states of a snapshot that the processor does not declare, instead of refusing it.</param>
    public ShardCheckpoint(
        ProcessorState state,
        CheckpointPlace place,
        SnapshotManifest about,
        Lease taken,
        long epoch,
        CheckpointingSettings? settings = null,
        bool allowUndeclared = false)
    {
        _settings = settings ?? new CheckpointingSettings();
        _rolling = new RollingGroups(_settings.WholeBelow);
        _allowUndeclared = allowUndeclared;
        _state = state;
        _place = place;
        _taken = taken;
        _about = about;
        string life = taken.Lineage ?? throw new InvalidOperationException(
            $"Invariant violated: the lease of shard {taken.LeaseKey} was taken before its row had a lineage.");
        _lineage = taken.TableLineage!;
        _id = new CheckpointId(life, epoch, 0);
        if (SnapshotHandle.Parse(taken.Snapshot) is not null)
        {
            _named = new Snapshot(taken.Checkpoint, taken.Snapshot!, DoneRuns.None, []);
        }
    }

    /// <summary>The state's version.</summary>
    public int Version => _state.Version;

    /// <summary>True where nothing can be sealed any more.</summary>
    public bool IsClosed => _state.IsClosed;

    /// <summary>What the row is to say: the last snapshot that its store has. Null before the first. Any thread may ask.</summary>
    public Snapshot? Sealed => _sealed;

    /// <summary>How much the last checkpoint has written, in bytes.</summary>
    public long SealedBytes { get; private set; }

    /// <summary>The outputs, which are in their sinks before a checkpoint is; null for none.</summary>
    public ShardOutputs? Outputs { get; init; }

    /// <summary>True until the shard has a snapshot of its own, which its parents' rows wait for.</summary>
    public bool IsOwed { get; private set; }

    /// <summary>Takes a cut and writes it. True where there is something new for the row to say.</summary>
    /// <param name="done">Asked inside the cut: what is done, and the stream's time up to which all is.</param>
    /// <param name="seen">The time up to which the shard is known to be done; null for nothing more than the state's own time.</param>
    /// <param name="patience">How long it may wait for those of other shards.</param>
    /// <param name="cancellationToken">Ends the call. The object may be there all the same; nothing names it.</param>
    /// <exception cref="CheckpointStoreException">The store does not take it now.</exception>
    public async Task<bool> SealAsync(
        Func<(DoneAtCut, long)> done, DateTimeOffset? seen, TimeSpan patience, CancellationToken cancellationToken)
    {
        // a child's first snapshot is whole: it names nothing of its parents'
        ulong whole = !_settings.Incremental || _ranges is null || IsOwed ? HashKeyGroups.All : _rolling.Next(_ranges);
        using StateCut cut = _state.Cut(done, out DoneAtCut at, whole);
        DoneRuns runs;
        using (at)
        {
            // the pages of what is done behind the position are kept no longer than for this
            runs = _settings.Mode == CheckpointingMode.AtLeastOnce ? DoneRuns.None : at.ReadRuns();
        }

        Snapshot? last = _sealed ?? _named;
        CheckpointPosition former = last?.Position ?? _taken.Checkpoint;
        if (at.Position < former)
        {
            throw new InvalidOperationException(
                $"Invariant violated: the state of shard {_taken.LeaseKey} was cut at {at.Position}, before {former}.");
        }

        if (at.Position == former && !IsOwed && runs.IsSameAs(last?.Runs ?? DoneRuns.None))
        {
            return false;
        }

        if (at.StreamTime < _streamTime)
        {
            throw new InvalidOperationException(
                $"Invariant violated: the state of shard {_taken.LeaseKey} was cut at the stream's time {at.StreamTime}, before "
                    + $"{_streamTime}.");
        }

        IReadOnlyList<SnapshotSink>? sinks = null;
        if (Outputs is not null)
        {
            // records that the row covers are not handled again: their outputs have to be there
            await Outputs.FlushAsync(cancellationToken);
            sinks = Outputs.Numbers is { Count: > 0 } numbers ? numbers : null;
        }

        _id = _id.Next();
        var blocks = new SegmentWriter("");
        int changed = cut.Write(blocks);
        SegmentRounds.Part part = await _place.Rounds.WriteAsync(
            _lineage,
            blocks,
            written => ManifestOf(at, runs, sinks, cut.IsWhole ? written : SnapshotRanges.Live([.. _ranges!, .. written])),
            patience,
            cancellationToken);
        cut.Stored();
        _rolling.Wrote(cut.IsWhole, changed, part.Written);
        (_ranges, _streamTime) = (part.Ranges, at.StreamTime);
        DateTimeOffset? streamTime = at.StreamTime > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(at.StreamTime) : null;
        var handle = new SnapshotHandle(part.Object, part.Offset, part.Length, SnapshotHandle.StampOf(at.Position))
        {
            Seen = seen > streamTime ? seen : streamTime,
            StreamTime = streamTime,
        };
        SealedBytes = blocks.Length - SegmentLayout.HeaderBytes + part.Length;
        var snapshot = new Snapshot(at.Position, handle.ToString(), runs, ObjectsOf(part.Object, part.Ranges));
        lock (_lock)
        {
            if (_isLeft)
            {
                // the run was given up meanwhile
                _place.References.Leave([part.Object]);
                return false;
            }

            // its own it has held since it was begun
            _place.References.Hold(snapshot.Objects.Where(name => name != part.Object));
            _unnamed.Add(snapshot);
            _durable = ApartTask.Completion();
            _sealed = snapshot;
        }

        return true;
    }

    /// <summary>
    /// Nothing is new, and the row is to say that the shard is done up to a later time. True where it is to be written: where what it says
    /// is older by more than <paramref name="every"/>.
    /// </summary>
    public bool See(DateTimeOffset seen, TimeSpan every)
    {
        lock (_lock)
        {
            if (_unnamed.Count > 0 || _named is null || SnapshotHandle.Parse(_named.Handle) is not { } handle
                || seen - handle.Seen <= every)
            {
                return false;
            }

            var snapshot = _named with { Handle = (handle with { Seen = seen }).ToString() };
            _place.References.Hold(snapshot.Objects);
            _unnamed.Add(snapshot);
            _durable = ApartTask.Completion();
            _sealed = snapshot;
            return true;
        }
    }

    /// <summary>
    /// A write of the lease took effect: what its row names is durable, and whatever was written before it is of no use any more. Returns
    /// at once; any thread may call it.
    /// </summary>
    /// <returns>What is durable since then; null for nothing more.</returns>
    public Snapshot? Settle(Lease row)
    {
        TaskCompletionSource? durable = null;
        Snapshot named;
        lock (_lock)
        {
            int index = _unnamed.FindIndex(snapshot => snapshot.Handle == row.Snapshot);
            if (index < 0)
            {
                return null;
            }

            named = _unnamed[index];
            List<Snapshot> unused = [];
            Snapshot? before = _named;
            foreach (Snapshot later in _unnamed[..(index + 1)])
            {
                if (before?.Objects == later.Objects)
                {
                    // the same snapshot, of which the row says a later time
                    unused.Add(before);
                }
                else if (before is not null)
                {
                    // also one whose write is in doubt to the end: the next manifest names it as the one before, and a sweep goes by that
                    _retained.Enqueue(before);
                }

                before = later;
            }

            _unnamed.RemoveRange(0, index + 1);
            while (_retained.Count >= _settings.RetainedCheckpoints)
            {
                unused.Add(_retained.Dequeue());
            }

            _named = named;
            _superseded.AddRange(unused.SelectMany(snapshot => _place.References.Drop(snapshot.Objects)));
            IsOwed = false;
            if (_named == _sealed)
            {
                durable = _durable;
            }
        }

        durable?.TrySetResult();
        return named;
    }

    /// <summary>Ends when the snapshot that was sealed last is durable.</summary>
    public Task WhenDurableAsync(CancellationToken cancellationToken) => _durable?.Task.WaitAsync(cancellationToken) ?? Task.CompletedTask;

    /// <summary>Deletes the objects that no row can name any more.</summary>
    /// <exception cref="CheckpointStoreException">The store cannot delete one now; it is tried again with the next call.</exception>
    public async Task ForgetAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            string? name;
            lock (_lock)
            {
                name = _superseded.Count > 0 ? _superseded[0] : null;
            }

            if (name is null)
            {
                return;
            }

            await _place.Store.DeleteAsync(_place.NameOf(_lineage, name), cancellationToken);
            lock (_lock)
            {
                // a caller that was given up may be at it still, and have deleted the same one
                _superseded.Remove(name);
            }
        }
    }

    /// <summary>The run is over: whoever has the shard next, or a sweep, deletes what is left.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            foreach (Snapshot snapshot in _retained.Concat(_unnamed))
            {
                _place.References.Leave(snapshot.Objects);
            }

            _place.References.Leave(_named?.Objects ?? []);

            _isLeft = true;
            _retained.Clear();
            _unnamed.Clear();
            _named = null;
        }
    }

    private SnapshotManifest ManifestOf(
        DoneAtCut at, DoneRuns runs, IReadOnlyList<SnapshotSink>? sinks, IReadOnlyList<SnapshotRange> ranges) => _about with
        {
            Sinks = sinks,
            StateVersion = _state.Version,
            Shard = _taken.LeaseKey,
            Lineage = _lineage,
            Epoch = _id.Epoch,
            Number = _id.Number,
            Position = at.Position.ToCheckpointString(),
            SubSequenceNumber = at.Position.SubSequenceNumber,
            StreamTime = at.StreamTime,
            Format = ranges.Any(static range => range.State is null) ? SnapshotManifest.IncrementalFormat : SnapshotManifest.WholeFormat,
            Runs = runs.ToSnapshot(),
            States = _state.States,
            Ranges = ranges,
            Predecessor = (_sealed ?? _named)?.Handle,
        };

    /// <summary>The objects that a snapshot has something in.</summary>
    private static string[] ObjectsOf(string name, IReadOnlyList<SnapshotRange> ranges) =>
        [.. ranges.Select(static range => range.Segment).Append(name).Distinct(StringComparer.Ordinal)];

    /// <summary>A snapshot that its store has.</summary>
    /// <param name="Position">The position that it belongs to.</param>
    /// <param name="Handle">What the row says of it.</param>
    /// <param name="Runs">The records behind the position that it holds too.</param>
    /// <param name="Objects">The objects that it has something in; none for the empty state.</param>
    public sealed record Snapshot(CheckpointPosition Position, string Handle, DoneRuns Runs, IReadOnlyList<string> Objects);
}
