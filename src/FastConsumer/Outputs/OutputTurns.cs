using FastConsumer.Processors;
using FastConsumer.State;

namespace FastConsumer.Outputs;

/// <summary>
/// Where records begin to be handled again whose outputs a sink has, or cease to. A value may be about all records of its batch, so a batch
/// has no records on both sides of such a place: the sink has what it has of whole batches.
/// </summary>
internal static class OutputTurns
{
    /// <summary>True where each sink has the outputs of both records or of neither.</summary>
    public static bool AreAlike(IReadOnlyList<OutputFeed> outputs, CheckpointPosition a, CheckpointPosition b)
    {
        foreach (OutputFeed output in outputs)
        {
            if (output.IsWritten(a) != output.IsWritten(b))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The first record behind one that is not like it; the page's end where all are.</summary>
    public static int NextIn(RecordPage page, int index, IReadOnlyList<OutputFeed> outputs)
    {
        CheckpointPosition first = page.PositionOf(index);
        if (outputs.All(output => output.IsBehind(first)))
        {
            return page.Count;
        }

        int next = index + 1;
        while (next < page.Count && AreAlike(outputs, first, page.PositionOf(next)))
        {
            next++;
        }

        return next;
    }
}
