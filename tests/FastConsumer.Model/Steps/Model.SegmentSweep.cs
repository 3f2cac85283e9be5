namespace FastConsumer.Model;

// The sweep of segments: lists them, then reads the rows one by one, follows what they name, and deletes what nothing can name.
internal abstract partial class Model
{
    private const sbyte GoneRow = -2;

    private void SegmentSweep(ref World s, int index)
    {
        World n = s;
        ref Sweep sweep = ref n.Sweeps[index];
        if (sweep.State == SweepState.Idle)
        {
            if (s.SweepsLeft == 0)
            {
                return;
            }

            n.SweepsLeft--;
            bool isRowsFirst = Config.Makes(Mistake.ListsRowsFirst);
            sweep = new Sweep { State = SweepState.ReadsRows, Listed = isRowsFirst ? (ushort)0 : WholeSegments(ref n) };
            Done(ref n, Step.Of(isRowsFirst ? StepKind.SweepBegins : StepKind.SweepLists, index), false);
        }
        else if (sweep.State == SweepState.ReadsRows && sweep.Next < Config.Shards)
        {
            int shard = sweep.Next;
            ReadRow(ref sweep, ref n.Rows[shard], shard);
            if (Config.Sweepers > 1)
            {
                sweep.State = SweepState.Follows;
            }
            else
            {
                GoOn(ref n, ref sweep, shard);
            }

            Done(ref n, Step.Of(StepKind.SweepReadsRow, index, shard), false);
        }
        else if (sweep.State == SweepState.Follows)
        {
            int shard = sweep.Next;
            sweep.State = SweepState.ReadsRows;
            GoOn(ref n, ref sweep, shard);
            Done(ref n, Step.Of(StepKind.SweepFollows, index, shard), false);
        }
        else
        {
            DeleteSegments(ref n, ref sweep);
            sweep = default;
            Done(ref n, Step.Of(StepKind.SweepDeletes, index), false);
        }
    }

    private static void ReadRow(ref Sweep sweep, ref Row row, int shard)
    {
        sweep.Sessions[shard] = row.IsThere ? row.Session : GoneRow;
        sweep.Handles[shard] = row.IsThere ? row.Handle : (sbyte)-1;
        sweep.Inherits0 = row.IsThere ? row.Inherits0 : (sbyte)-1;
        sweep.Inherits1 = row.IsThere ? row.Inherits1 : (sbyte)-1;
    }

    private void GoOn(ref World s, ref Sweep sweep, int shard)
    {
        bool goesOn = Follow(ref s, ref sweep, shard, sweep.Handles[shard]);
        int[] parents = Config.Parents[shard];
        for (int i = 0; i < parents.Length; i++)
        {
            goesOn &= Follow(ref s, ref sweep, parents[i], i == 0 ? sweep.Inherits0 : sweep.Inherits1);
        }

        if (!goesOn)
        {
            sweep = default; // what cannot be read ends the sweep
            return;
        }

        sweep.Inherits0 = 0;
        sweep.Inherits1 = 0;
        sweep.Next++;
    }

    private bool Follow(ref World s, ref Sweep sweep, int shard, int handle)
    {
        if (handle < 0)
        {
            return true;
        }

        if (s.Segments[handle].State != SegmentState.Whole)
        {
            return Config.Makes(Mistake.UnreadableNamesNothing);
        }

        sweep.Keep |= (ushort)SegmentsOf(ref s, shard, handle);
        return true;
    }

    private void DeleteSegments(ref World s, ref Sweep sweep)
    {
        int listed = Config.Makes(Mistake.ListsRowsFirst) ? WholeSegments(ref s) : sweep.Listed;
        for (int segment = 0; segment < Bounds.Segments; segment++)
        {
            bool isUnnamed = ((listed >> segment) & 1) != 0 && ((sweep.Keep >> segment) & 1) == 0;
            if (isUnnamed && s.Segments[segment].State == SegmentState.Whole && !MayBeNamed(ref s, ref sweep, segment))
            {
                s.Segments[segment].State = SegmentState.Deleted;
                s.Segments[segment].Parts = default;
            }
        }
    }

    /// <summary>Whether a write of the segment's session that names it can still succeed, however late.</summary>
    private bool MayBeNamed(ref World s, ref Sweep sweep, int segment)
    {
        if (Config.Makes(Mistake.SweepsByAge))
        {
            return false;
        }

        ref Segment candidate = ref s.Segments[segment];
        bool isListed = false;
        for (int shard = 0; shard < Config.Shards; shard++)
        {
            PartKind kind = candidate.Parts[shard].Kind;
            if (kind == PartKind.None || (kind == PartKind.BlocksOnly && Config.Makes(Mistake.FooterListsManifestsOnly)))
            {
                continue;
            }

            isListed = true;
            int handle = sweep.Handles[shard];
            bool namesLater = handle >= 0 && s.Segments[handle].Session == candidate.Session
                && s.Segments[handle].Number > candidate.Number;
            if (sweep.Sessions[shard] != GoneRow && sweep.Sessions[shard] == candidate.Session && !namesLater)
            {
                return true;
            }
        }

        return !isListed; // a footer that lists no shard says nothing
    }

    private static ushort WholeSegments(ref World s)
    {
        int mask = 0;
        for (int segment = 0; segment < Bounds.Segments; segment++)
        {
            mask |= s.Segments[segment].State == SegmentState.Whole ? 1 << segment : 0;
        }

        return (ushort)mask;
    }
}
