using FastConsumer.Processors;

namespace FastConsumer.Checkpoints;

/// <summary>Divides what was cut off, for a sink that takes few values in one transaction.</summary>
/// <remarks>
/// What must hold of the parts: each says that records are done of which all outputs are in it or in parts before it; the last one says the
/// same as the whole; no record's outputs are in two parts; and no part ends inside a batch, since a batch that is handled again ends where
/// the sink's records do.
/// </remarks>
internal static class OutputDivision
{
    /// <summary>The parts, in the order in which they are to be written.</summary>
    /// <param name="cut">What was cut off.</param>
    /// <param name="most">The most values of a part, unless one record or batch has more.</param>
    public static IReadOnlyList<OutputCut> Of(OutputCut cut, int most)
    {
        if (cut.Count <= most)
        {
            return [cut];
        }

        List<OutputCut> parts = [];
        List<(int Output, int Index)> part = [];
        CheckpointPosition end = default;
        foreach ((List<(int Output, int Index)> values, CheckpointPosition last) in Units(cut))
        {
            if (part.Count > 0 && part.Count + values.Count > most)
            {
                parts.Add(Part(cut, part, end));
                part = [];
            }

            part.AddRange(values);
            end = last;
        }

        parts.Add(Part(cut, part, end) with { Position = cut.Position, Runs = cut.Runs });
        return parts;
    }

    /// <summary>The cut without one of its values, counted over all outputs.</summary>
    public static OutputCut Without(OutputCut cut, int index)
    {
        (int output, int place) = Find(cut, index);
        PositionedValues values = cut.Values[output];
        return cut with
        {
            Values =
            [
                .. cut.Values.Select((other, number) => number == output
                    ? values.Only([.. Enumerable.Range(0, values.Count).Where(i => i != place)])
                    : other),
            ],
        };
    }

    /// <summary>Finds a value that is counted over all outputs.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
    public static (int Output, int Index) Find(OutputCut cut, int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, cut.Count);
        int output = 0;
        for (; index >= cut.Values[output].Count; output++)
        {
            index -= cut.Values[output].Count;
        }

        return (output, index);
    }

    /// <summary>What goes together, in the order of the records, and the last record of each.</summary>
    private static IEnumerable<(List<(int Output, int Index)> Values, CheckpointPosition Last)> Units(OutputCut cut)
    {
        IEnumerable<(OutputPlace Place, int Output, int Index)> all = cut.Values
            .SelectMany(static (values, output) => Enumerable.Range(0, values.Count)
                .Select(index => (Place: values.PlaceOf(index), Output: output, Index: index)))
            .OrderBy(static value => value.Place.Position);
        List<(int Output, int Index)> unit = [];
        CheckpointPosition last = default;
        foreach ((OutputPlace place, int output, int index) in all)
        {
            if (unit.Count > 0 && place.Position > last)
            {
                yield return (unit, last);
                unit = [];
            }

            CheckpointPosition end = place.Batch?.Last ?? place.Position;
            last = unit.Count == 0 || end > last ? end : last;
            unit.Add((output, index));
        }

        if (unit.Count > 0)
        {
            yield return (unit, last);
        }
    }

    /// <summary>Some of the values, and of what is done all up to a record.</summary>
    private static OutputCut Part(OutputCut cut, List<(int Output, int Index)> some, CheckpointPosition last) => new(
        [
            .. cut.Values.Select((values, output) =>
                values.Only([.. some.Where(value => value.Output == output).Select(static value => value.Index)])),
        ],
        last < cut.Position ? last : cut.Position,
        last < cut.Position ? DoneRuns.None : cut.Runs.UpTo(last));
}
