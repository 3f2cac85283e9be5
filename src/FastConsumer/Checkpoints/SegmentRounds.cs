using System.Buffers;
using FastConsumer.State.Format;
using FastConsumer.Timing;

namespace FastConsumer.Checkpoints;

/// <summary>
/// Makes one object of what several shards of a worker write at about the same time, since a store takes its price for each. A round begins
/// with the first of them, and is uploaded a moment later. Thread-safe.
/// </summary>
/// <param name="place">Where the objects are kept.</param>
/// <param name="time">The clock; null where nobody waits for others.</param>
internal sealed class SegmentRounds(CheckpointPlace place, TimeProvider? time)
{
    /// <summary>A round waits no longer than this for more shards.</summary>
    public static readonly TimeSpan MostPatience = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// The patience of a round that is waited for, as at a stop: the others of a worker that stops are about to come too.
    /// </summary>
    public static readonly TimeSpan PatienceInHaste = TimeSpan.FromMilliseconds(10);

    /// <summary>A round of so many bytes does not wait; what is larger by itself gets an object of its own.</summary>
    public const long MostBytes = 8 * 1024 * 1024;

    private readonly Lock _lock = new();
    private Round? _open;

    /// <summary>Writes blocks and the manifest of a shard. They are in a store when the task is done.</summary>
    /// <param name="lineage">The lineage of the shard's row.</param>
    /// <param name="blocks">The blocks; not used any more.</param>
    /// <param name="manifest">Makes the manifest, where the blocks have their places in an object. Called at once; must not throw.</param>
    /// <param name="patience">
    /// How long it may wait for more shards; <see cref="PatienceInHaste"/> or less also ends the wait of those that joined before.
    /// </param>
    /// <param name="cancellationToken">Ends the call. The object may be there all the same.</param>
    /// <exception cref="CheckpointStoreException">The store does not take it now.</exception>
    public async Task<Part> WriteAsync(
        string lineage,
        SegmentWriter blocks,
        Func<IReadOnlyList<SnapshotRange>, SnapshotManifest> manifest,
        TimeSpan patience,
        CancellationToken cancellationToken)
    {
        (Round round, Part part, bool isNew) = Join(lineage, blocks, manifest, patience);
        if (isNew)
        {
            // apart from the caller, who may give up before the others: what it logs is not of that one's shard alone
            using (ExecutionContext.SuppressFlow())
            {
                _ = ApartTask.Start(() => RunAsync(round));
            }
        }

        try
        {
            await round.Stored.Task.WaitAsync(cancellationToken);
            return part;
        }
        catch
        {
            // the object may come yet
            place.References.Leave([round.Name]);
            throw;
        }
        finally
        {
            if (IsLastToLeave(round))
            {
                await round.End.CancelApartAsync();
            }
        }
    }

    private (Round Round, Part Part, bool IsNew) Join(
        string lineage, SegmentWriter blocks, Func<IReadOnlyList<SnapshotRange>, SnapshotManifest> manifest, TimeSpan patience)
    {
        lock (_lock)
        {
            bool isAlone = time is null || blocks.Length >= MostBytes;
            bool isNew = isAlone || _open is null || _open.Lineage != lineage;
            if (isNew)
            {
                // nobody joins an older one behind it: the numbers of a shard's objects grow, and the sweep goes by that
                _open = null;
            }

            Round round = isNew ? new Round(place.NextObject(), lineage, patience) : _open!;
            IReadOnlyList<SnapshotRange> written = round.Writer.Append(blocks);
            SnapshotManifest described = manifest(written);
            (long offset, int length) = round.Writer.AddManifest(described);
            place.References.Create(round.Name);
            round.Waiting++;
            round.IsFull |= isAlone || round.Writer.Length >= MostBytes;
            if (round.IsFull)
            {
                CloseLocked(round);
            }
            else if (isNew)
            {
                _open = round;
            }

            if (round.IsFull || patience <= PatienceInHaste)
            {
                round.Wakes.Set();
            }

            return (round, new Part(round.Name, offset, length, described.Ranges, written), isNew);
        }
    }

    /// <summary>True where nobody waits for a round any more that is not stored: nobody joins it then either.</summary>
    private bool IsLastToLeave(Round round)
    {
        lock (_lock)
        {
            if (--round.Waiting > 0 || round.Stored.Task.IsCompleted)
            {
                return false;
            }

            CloseLocked(round);
            return true;
        }
    }

    private async Task RunAsync(Round round)
    {
        try
        {
            if (!IsFull(round) && round.Patience > PatienceInHaste)
            {
                await round.Wakes.WaitAsync(round.Patience - PatienceInHaste, time!, round.End.Token);
            }

            if (!IsFull(round))
            {
                await ApartTask.DelayAsync(
                    round.Patience < PatienceInHaste ? round.Patience : PatienceInHaste, time!, round.End.Token);
            }

            ReadOnlySequence<byte> bytes;
            lock (_lock)
            {
                CloseLocked(round);
                round.End.Token.ThrowIfCancellationRequested();
                bytes = Segments.Of(round.Writer.Finish());
            }

            await place.Store.CreateAsync(place.NameOf(round.Lineage, round.Name), bytes, round.End.Token);
            round.Stored.TrySetResult();
        }
        catch (Exception e)
        {
            round.Stored.TrySetException(e);
            // where nobody waits for it any more, it is nobody's
            _ = round.Stored.Task.Exception;
        }
    }

    private bool IsFull(Round round)
    {
        lock (_lock)
        {
            return round.IsFull;
        }
    }

    private void CloseLocked(Round round)
    {
        if (_open == round)
        {
            _open = null;
        }
    }

    /// <summary>What was written of one shard.</summary>
    /// <param name="Object">The object, as a row's handle names it.</param>
    /// <param name="Offset">Where the manifest begins.</param>
    /// <param name="Length">How long it is.</param>
    /// <param name="Ranges">The manifest's ranges.</param>
    /// <param name="Written">Those of them that were written now.</param>
    public sealed record Part(
        string Object, long Offset, int Length, IReadOnlyList<SnapshotRange> Ranges, IReadOnlyList<SnapshotRange> Written);

    private sealed class Round(string name, string lineage, TimeSpan patience)
    {
        public string Name { get; } = name;

        public string Lineage { get; } = lineage;

        public TimeSpan Patience { get; } = patience;

        /// <summary>It does not wait for more.</summary>
        public bool IsFull { get; set; }

        public SegmentWriter Writer { get; } = new(name);

        public AsyncSignal Wakes { get; } = new();

        public CancellationTokenSource End { get; } = new();

        public TaskCompletionSource Stored { get; } = ApartTask.Completion();

        public int Waiting { get; set; }
    }
}
