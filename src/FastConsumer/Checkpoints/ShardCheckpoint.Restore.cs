using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Processors;
using FastConsumer.State;
using FastConsumer.State.Format;

namespace FastConsumer.Checkpoints;

// what a run begins with
internal sealed partial class ShardCheckpoint
{
    /// <summary>Where the state comes from that the run begins with, in words.</summary>
    public string RestoredFrom { get; private set; } = "nothing";

    /// <summary>The records behind the row's position that are done, with their effects in the state.</summary>
    public DoneRuns RestoredRuns { get; private set; } = DoneRuns.None;

    /// <summary>The stream's time at the position, in epoch milliseconds; a child's is the greatest of its parents'.</summary>
    public long RestoredTime { get; private set; }

    /// <summary>The states that it had and the processor does not declare.</summary>
    public IReadOnlyList<string> Dropped { get; private set; } = [];

    /// <summary>What the sinks of its outputs had when it was taken.</summary>
    public IReadOnlyList<SnapshotSink> RestoredSinks { get; private set; } = [];

    /// <summary>The bytes that were read for it.</summary>
    public long RestoredBytes { get; private set; }

    /// <summary>Reads the state that the row leads to. May be called again where it has failed.</summary>
    /// <param name="haveParentsState">True where a row of a parent bears state.</param>
    /// <param name="now">The service's time.</param>
    /// <param name="retention">How long the stream keeps records.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="SnapshotRefusedException">The state does not belong to the row, or cannot be read: somebody has to act.</exception>
    /// <exception cref="CheckpointStoreException">The store cannot be asked now.</exception>
    public async ValueTask RestoreAsync(
        bool haveParentsState, DateTimeOffset now, TimeSpan retention, CancellationToken cancellationToken)
    {
        await _place.RequireTableAsync(_lineage, cancellationToken);
        if (_taken.Snapshot is { } text)
        {
            SnapshotHandle handle = SnapshotHandle.Parse(text)
                ?? throw Refused($"Its row names the state as '{text}', which cannot be read.");
            if (handle.Stamp != SnapshotHandle.StampOf(_taken.Checkpoint))
            {
                throw Refused(
                    $"Its row stands at {_taken.Checkpoint}, and the state belongs to another position. A program that does not know of "
                        + "the state, such as KCL or an older version, has moved the row. Stop such workers.");
            }

            if (handle.Seen is { } seen && seen + retention < now)
            {
                throw Refused(
                    $"It was done up to {seen:u}, and the stream keeps records for {retention.TotalHours:0.#} h: those up to "
                        + $"{now - retention:u} may be lost, and would be missing from the state without a word.");
            }

            if (handle.Object is not null)
            {
                RestoredFrom = handle.Object;
                SnapshotManifest manifest = RequireOwn(await ReadManifestAsync(handle, cancellationToken));
                DoneRuns runs = InSnapshot(handle.Object, () => DoneRuns.Of(manifest));
                RestoredSinks = manifest.Sinks ?? [];
                await LoadAsync([manifest], cancellationToken);
                if (manifest.Position == _taken.Checkpoint.ToCheckpointString()
                    && manifest.SubSequenceNumber == _taken.Checkpoint.SubSequenceNumber)
                {
                    // else an operator has moved the row and kept the state: what lies behind the row is to be handled
                    RestoredRuns = runs;
                }

                NameRestored(new Snapshot(
                    _taken.Checkpoint, text, RestoredRuns, ObjectsOf(handle.Object, manifest.Ranges)));
                if (Dropped.Count == 0 && manifest.StateVersion == _state.Version)
                {
                    // else a later version would find again what this one has dropped, or take it for its own
                    _ranges = manifest.Ranges;
                    _streamTime = manifest.StreamTime;
                }
            }
        }
        else if (_taken.Inherits.Count > 0)
        {
            await InheritAsync(cancellationToken);
        }
        else if (haveParentsState)
        {
            throw Refused(
                "Its row says nothing of its parents' state, which they have: it was created by a program that does not know of the state, "
                    + "such as KCL. Stop such workers.");
        }
    }

    private void NameRestored(Snapshot snapshot)
    {
        lock (_lock)
        {
            if (_isLeft)
            {
                // nothing of a run that is gone may hold objects: nobody would give them up
                throw new OperationCanceledException("The run is over, for which the state was restored.");
            }

            // a try before this one may have held it
            _place.References.Leave(_named!.Objects);
            _place.References.Hold(snapshot.Objects);
            _named = snapshot;
        }
    }

    /// <summary>The union of the parents' last states, as far as it is in the shard's range.</summary>
    private async Task InheritAsync(CancellationToken cancellationToken)
    {
        (IReadOnlyList<SnapshotHandle?> parents, bool isAtStart) = SnapshotHandle.Inherited(_taken);
        if (!isAtStart)
        {
            throw Refused(
                "Its row has moved since it was created, and its parents' state was not taken over. A program that does not know of the "
                    + "state, such as KCL or an older version, has moved it. Stop such workers.");
        }

        List<SnapshotManifest> manifests = [];
        foreach (SnapshotHandle? handle in parents)
        {
            if (handle is null || handle.Stamp != SnapshotHandle.StampOf(CheckpointPosition.ShardEnd))
            {
                throw Refused(
                    "A parent of it was finished by a program that does not know of the state, such as KCL: the parent's last state is "
                        + "missing. Stop such workers.");
            }

            if (handle.Object is not null)
            {
                manifests.Add(RequireCommon(await ReadManifestAsync(handle, cancellationToken)));
            }
        }

        if (manifests.Find(static manifest => manifest.Position != CheckpointPosition.ShardEnd.ToCheckpointString()) is { } unfinished)
        {
            throw Refused($"The last state of its parent {unfinished.Shard} is that at {unfinished.Position}, and not at the shard's end.");
        }

        IsOwed = true;
        RestoredFrom = string.Join(" and ", manifests.Select(static manifest => manifest.Shard));
        await LoadAsync(manifests, cancellationToken);
    }

    private async Task<SnapshotManifest> ReadManifestAsync(SnapshotHandle handle, CancellationToken cancellationToken)
    {
        byte[] bytes = await ReadAsync(handle.Object!, handle.Offset, handle.Length, cancellationToken);
        return InSnapshot(handle.Object!, () => SegmentReader.ReadManifest(bytes));
    }

    private SnapshotManifest RequireOwn(SnapshotManifest manifest)
    {
        Require(manifest.Shard == _taken.LeaseKey, $"it is of shard {manifest.Shard}");
        return RequireCommon(manifest);
    }

    private SnapshotManifest RequireCommon(SnapshotManifest manifest)
    {
        Require(manifest.Application == _about.Application, $"it is of application {manifest.Application}");
        Require(manifest.StreamArn == _about.StreamArn, $"it is of stream {manifest.StreamArn}");
        Require(
            manifest.StreamCreated / 1000 == _about.StreamCreated / 1000,
            $"its stream was created at {DateTimeOffset.FromUnixTimeMilliseconds(manifest.StreamCreated):u}, and this one was made again");
        Require(manifest.Processor == _about.Processor, $"it is of processor {manifest.Processor}");
        Require(manifest.Lineage == _lineage, $"it is of lineage {manifest.Lineage}, and the row of {_lineage}");
        Require(
            manifest.StateVersion <= _state.Version,
            $"it is of version {manifest.StateVersion}, and this worker's state of version {_state.Version}");
        return manifest;
    }

    private void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw Refused($"The snapshot that its row names is another's: {otherwise}.");
        }
    }

    private async Task LoadAsync(IReadOnlyList<SnapshotManifest> manifests, CancellationToken cancellationToken)
    {
        try
        {
            // also forgets what a try has taken in whose later read failed
            _state.Restore(manifests, _about.HashKeys, _allowUndeclared);
            Dropped = [.. manifests.SelectMany(static manifest => manifest.States).Select(static state => state.Name)
                .Except(_state.States.Select(static state => state.Name), StringComparer.Ordinal)];
            RestoredTime = manifests.Select(static manifest => manifest.StreamTime).DefaultIfEmpty().Max();
            RestoredBytes = 0;
            byte[] bytes = [];
            foreach (SnapshotManifest manifest in manifests)
            {
                for (int i = manifest.Ranges.Count - 1; i >= 0; i--)
                {
                    SnapshotRange range = manifest.Ranges[i];
                    if (IsSiblings(manifest, range))
                    {
                        continue;
                    }

                    // one range at a time, in the same memory: what is taken in is copied
                    if (range.Length > bytes.Length)
                    {
                        bytes = GC.AllocateUninitializedArray<byte>(range.Length);
                    }

                    await ReadAsync(range.Segment, range.Offset, bytes.AsMemory(0, range.Length), cancellationToken);
                    RestoredBytes += range.Length;
                    InSnapshot(range.Segment, () =>
                    {
                        SegmentReader.CheckRange(range, bytes.AsSpan(0, range.Length));
                        Unite(manifest, i, bytes, range.Length);
                        return true;
                    });
                }
            }

            _state.EndRestore();
        }
        catch (Exception e) when (e is StateRestoreException or StateUnreadableException)
        {
            throw Refused(e.Message, e, isComplete: true);
        }
    }

    /// <summary>
    /// True where a split gave all of a range to other children. Keys outside of the parent's own range went to each of them.
    /// </summary>
    private bool IsSiblings(SnapshotManifest manifest, SnapshotRange range)
    {
        HashKeyRange groups = HashKeyGroups.HashKeysOf(range.FirstGroup, range.LastGroup);
        HashKeyRange former = manifest.HashKeys;
        return former.Contains(groups.StartingHashKey) && former.Contains(groups.EndingHashKey)
            && (groups.EndingHashKey < _about.HashKeys.StartingHashKey || groups.StartingHashKey > _about.HashKeys.EndingHashKey);
    }

    /// <summary>Takes blocks in. What the processor's own methods throw would be the same at each try.</summary>
    private void Unite(SnapshotManifest manifest, int range, byte[] bytes, int length)
    {
        try
        {
            _state.Load(manifest, range, bytes, length);
        }
        catch (Exception e) when (e is not (StateRestoreException or StateUnreadableException or SnapshotDamagedException))
        {
            throw Refused(
                $"A method of {_about.Processor} with [StateMerge], or a serializer, has failed on the state of shard {manifest.Shard}: "
                    + $"{e.GetType().Name}. Correct it and deploy it: the shard goes on then. Nothing was changed.",
                e,
                isComplete: true);
        }
    }

    private async Task<byte[]> ReadAsync(string name, long offset, int length, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[length];
        await ReadAsync(name, offset, bytes, cancellationToken);
        return bytes;
    }

    private async Task ReadAsync(string name, long offset, Memory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await _place.Store.ReadAsync(_place.NameOf(_lineage, name), offset, bytes, cancellationToken);
        }
        catch (CheckpointStoreException e) when (!e.IsTransient)
        {
            throw Refused(e.Message, e);
        }
    }

    private T InSnapshot<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SnapshotDamagedException e)
        {
            throw Refused($"Object '{_place.NameOf(_lineage, name)}' in {_place.Store.Description}: {e.Message}", e);
        }
    }

    private SnapshotRefusedException Refused(string problem, Exception? inner = null, bool isComplete = false) => new(
        string.Create(CultureInfo.InvariantCulture, $"Shard {_taken.LeaseKey} cannot go on with its state. {problem}")
            + (isComplete ? "" : " Then say whether the shard goes on with the state that there is, or without: 'fastconsumer checkpoint "
                + "reset --keep-state' or '--drop-state'. Nothing was changed."),
        inner);
}
