using System.Globalization;
using FastConsumer.State.Format;

namespace FastConsumer.Processors;

/// <summary>
/// Ranges of records that are done although one before them is not: in order, apart from one another, both ends included.
/// </summary>
internal sealed class DoneRuns
{
    private readonly (CheckpointPosition First, CheckpointPosition Last)[] _runs;

    private DoneRuns((CheckpointPosition First, CheckpointPosition Last)[] runs) => _runs = runs;

    public static DoneRuns None { get; } = new([]);

    public int Count => _runs.Length;

    /// <summary>The last record of the last run.</summary>
    public CheckpointPosition Last => _runs[^1].Last;

    /// <summary>Makes one of ranges that may touch one another, in the order of their beginnings.</summary>
    public static DoneRuns Of(IEnumerable<(CheckpointPosition First, CheckpointPosition Last)> ranges)
    {
        List<(CheckpointPosition First, CheckpointPosition Last)> runs = [];
        foreach ((CheckpointPosition first, CheckpointPosition last) in ranges)
        {
            if (runs.Count > 0 && first <= runs[^1].Last)
            {
                runs[^1] = (runs[^1].First, last > runs[^1].Last ? last : runs[^1].Last);
            }
            else
            {
                runs.Add((first, last));
            }
        }

        return runs.Count == 0 ? None : new DoneRuns([.. runs]);
    }

    /// <summary>Reads those of a manifest.</summary>
    /// <exception cref="SnapshotDamagedException">They are not in order, or name no records.</exception>
    public static DoneRuns Of(SnapshotManifest manifest)
    {
        if (!CheckpointPosition.TryParse(manifest.Position, manifest.SubSequenceNumber, out CheckpointPosition former))
        {
            throw new SnapshotDamagedException("the position of its manifest is none");
        }

        List<(CheckpointPosition First, CheckpointPosition Last)> runs = [];
        foreach (SnapshotRun? run in manifest.Runs)
        {
            // the first one may begin before the position: a restored run of which the position has passed a part
            if (run is null
                || !CheckpointPosition.TryParse(run.First, run.FirstSubSequenceNumber, out CheckpointPosition first)
                || !CheckpointPosition.TryParse(run.Last, run.LastSubSequenceNumber, out CheckpointPosition last)
                || (first, last) is not { first.Kind: CheckpointKind.Record, last.Kind: CheckpointKind.Record }
                || last <= former || last < first || (first <= former && runs.Count > 0))
            {
                throw new SnapshotDamagedException("the runs of its manifest are not in order, or name no records");
            }

            runs.Add((first, last));
            former = last;
        }

        return Of(runs);
    }

    /// <summary>Reads what <see cref="ToText"/> has written.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static DoneRuns Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return None;
        }

        List<(CheckpointPosition First, CheckpointPosition Last)> runs = [];
        foreach (string run in text.Split(' '))
        {
            string[] ends = run.Split('-');
            runs.Add(ends.Length == 2 && TryParse(ends[0], out CheckpointPosition first) && TryParse(ends[1], out CheckpointPosition last)
                && first <= last && (runs.Count == 0 || first > runs[^1].Last)
                    ? (first, last)
                    : throw new FormatException($"'{run}' is no run of records that follows the one before it."));
        }

        return Of(runs);
    }

    private static bool TryParse(string text, out CheckpointPosition position)
    {
        int dot = text.IndexOf('.', StringComparison.Ordinal);
        long sub = 0;
        position = default;
        return (dot < 0 || long.TryParse(text.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out sub))
            && CheckpointPosition.TryParse(dot < 0 ? text : text[..dot], sub, out position)
            && position.Kind == CheckpointKind.Record;
    }

    /// <summary>The text by which sinks keep them; null for none.</summary>
    public string? ToText() => Count == 0 ? null : string.Join(' ', _runs.Select(static run => $"{Text(run.First)}-{Text(run.Last)}"));

    private static string Text(CheckpointPosition position) => position.SubSequenceNumber == 0
        ? position.ToCheckpointString()
        : string.Create(CultureInfo.InvariantCulture, $"{position.ToCheckpointString()}.{position.SubSequenceNumber}");

    /// <summary>The records of both that end behind a position.</summary>
    public DoneRuns UnionBehind(DoneRuns other, CheckpointPosition position) =>
        Of(Behind(position).Concat(other.Behind(position)).OrderBy(static run => run.First));

    /// <summary>The records of these up to one, which may be in a run or between two.</summary>
    public DoneRuns UpTo(CheckpointPosition last) =>
        Of(_runs.Where(run => run.First <= last).Select(run => (run.First, run.Last < last ? run.Last : last)));

    /// <summary>True where a record is in one of them.</summary>
    public bool Contains(CheckpointPosition position)
    {
        int low = 0, high = _runs.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (position < _runs[middle].First)
            {
                high = middle - 1;
            }
            else if (position > _runs[middle].Last)
            {
                low = middle + 1;
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The runs that end behind a position, as ranges.</summary>
    public IEnumerable<(CheckpointPosition First, CheckpointPosition Last)> Behind(CheckpointPosition position) =>
        _runs.Where(run => run.Last > position);

    /// <summary>True where both are the same records.</summary>
    public bool IsSameAs(DoneRuns other) => _runs.AsSpan().SequenceEqual(other._runs);

    public IReadOnlyList<SnapshotRun> ToSnapshot() =>
    [
        .. _runs.Select(static run => new SnapshotRun
        {
            First = run.First.ToCheckpointString(),
            FirstSubSequenceNumber = run.First.SubSequenceNumber,
            Last = run.Last.ToCheckpointString(),
            LastSubSequenceNumber = run.Last.SubSequenceNumber,
        }),
    ];
}
