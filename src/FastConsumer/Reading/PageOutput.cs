using System.Threading.Channels;
using FastConsumer.Buffers;
using FastConsumer.Kinesis;
using FastConsumer.Processors;

namespace FastConsumer.Reading;

/// <summary>Where both readers pass their answers on.</summary>
internal static class PageOutput
{
    /// <summary>Passes an answer that has records on, with the bytes it holds of the budget; both are given away, also where this fails.</summary>
    /// <returns>The position of its last record.</returns>
    public static async ValueTask<CheckpointPosition> PassOnAsync(
        this ChannelWriter<ReadItem> output, GetRecordsResponse response, ByteBudget.Reservation reservation, CancellationToken cancellationToken)
    {
        var page = new RecordPage(response, reservation);
        try
        {
            reservation.Resize(response.RetainedBytes);
            CheckpointPosition last = page.PositionOf(page.Count - 1);
            await output.WriteAsync(ReadItem.Records(page), cancellationToken).ConfigureAwait(false);
            return last;
        }
        catch
        {
            // nobody took it over
            page.Dispose();
            throw;
        }
    }
}
