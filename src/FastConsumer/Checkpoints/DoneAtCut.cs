using FastConsumer.Processors;

namespace FastConsumer.Checkpoints;

/// <summary>
/// Which records were done at one moment: all up to a position, and some behind it. The pages that these are in are kept until it is
/// disposed, so that the runs can be read while handlers go on.
/// </summary>
internal sealed class DoneAtCut(CheckpointPosition position, long streamTime, IReadOnlyList<DoneAtCut.Part> parts, DoneRuns rest)
    : IStateCutPosition, IDisposable
{
    private bool _isOver;

    /// <summary>Up to where all records are done.</summary>
    public CheckpointPosition Position => position;

    /// <summary>The stream's time at the position, in epoch milliseconds.</summary>
    public long StreamTime => streamTime;

    /// <summary>The records behind the position that are done.</summary>
    public DoneRuns ReadRuns()
    {
        ObjectDisposedException.ThrowIf(_isOver, this);
        if (parts.Count == 0 && rest.Count == 0)
        {
            return DoneRuns.None;
        }

        List<(CheckpointPosition First, CheckpointPosition Last)> ranges = [];
        bool isOpen = false;
        foreach (Part part in parts)
        {
            if (part.Done is null)
            {
                Add(part.Page.First, part.Page.End);
                continue;
            }

            for (int i = part.From; i < part.Page.Count; i++)
            {
                if (!part.IsDone(i))
                {
                    isOpen = false;
                    continue;
                }

                // only its ends are read
                int first = i;
                while (i + 1 < part.Page.Count && part.IsDone(i + 1))
                {
                    i++;
                }

                Add(part.Page.PositionOf(first), part.Page.PositionOf(i));
            }
        }

        ranges.AddRange(rest.Behind(ranges.Count > 0 ? ranges[^1].Last : position));
        return DoneRuns.Of(ranges);

        void Add(CheckpointPosition first, CheckpointPosition last)
        {
            if (isOpen)
            {
                ranges[^1] = (ranges[^1].First, last);
            }
            else
            {
                ranges.Add((first, last));
            }

            isOpen = true;
        }
    }

    public void Dispose()
    {
        if (!_isOver)
        {
            _isOver = true;
            foreach (Part part in parts)
            {
                part.Unpin();
            }
        }
    }

    /// <summary>What is done of one page.</summary>
    public sealed class Part
    {
        /// <summary>A part of the page is done. It is pinned, before it is returned.</summary>
        public Part(RecordPage page, int from)
        {
            Page = page;
            From = from;
            Done = page.CopyDone();
            page.Pin();
        }

        /// <summary>All of the page is done; its bytes may have gone.</summary>
        public Part(RecordPage page) => Page = page;

        public RecordPage Page { get; }

        /// <summary>The first record that is not known to be done.</summary>
        public int From { get; }

        /// <summary>A bit for each record; null where all are done.</summary>
        public int[]? Done { get; }

        public bool IsDone(int index) => (Done![index >> 5] & (1 << (index & 31))) != 0;

        public void Unpin()
        {
            if (Done is not null)
            {
                Page.Unpin();
            }
        }
    }
}
