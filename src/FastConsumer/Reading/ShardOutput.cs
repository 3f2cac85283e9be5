using System.Threading.Channels;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Reading;

/// <summary>What both readers do with an answer: unpack it, pass it on, and move the position after that.</summary>
internal sealed class ShardOutput(ShardReaderSettings settings, ShardPosition position, ConsumerMetrics metrics, ILogger log)
{
    private readonly Deaggregation? _deaggregation =
        settings.Deaggregate ? new Deaggregation(settings.HashKeyRange, settings.ForeignRecords) : null;
    private bool _foreignSaid;

    /// <summary>Unpacks what the KPL aggregated; the position when all of the answer is done, or null where it has no records.</summary>
    public CheckpointPosition? Unpack(GetRecordsResponse response)
    {
        if (response.Count == 0)
        {
            return null;
        }

        settings.Intake?.Add(
            response.PayloadBytes, response.Entry(0).ArrivalMilliseconds, response.Entry(response.Count - 1).ArrivalMilliseconds);
        if (_deaggregation is null)
        {
            return new KinesisRecord(response, response.Count - 1).Position;
        }

        DeaggregationResult result = _deaggregation.Apply(response, position.Done);
        if (result.Foreign > 0)
        {
            metrics.LeftOut(settings.Shard, result.Foreign);
            if (!_foreignSaid)
            {
                _foreignSaid = true;
                ConsumerLog.ForeignRecords(log, settings.Shard.Shard, result.Foreign);
            }
        }

        return result.End;
    }

    /// <summary>
    /// Passes on an answer that came with records, and the bytes it holds of the budget; both are given away, also where this fails.
    /// </summary>
    public async ValueTask PassOnAsync(
        ChannelWriter<ReadItem> output,
        GetRecordsResponse response,
        ByteBudget.Reservation reservation,
        CheckpointPosition end,
        CancellationToken cancellationToken)
    {
        var page = new RecordPage(response, reservation, end);
        bool isTaken = false;
        try
        {
            // a page whose records were all left out still carries the position on, unless they were done already
            if (page.Count > 0 || end > position.Current)
            {
                reservation.Resize(response.RetainedBytes);
                await output.WriteAsync(ReadItem.Records(page), cancellationToken);
                isTaken = true;
            }
        }
        finally
        {
            if (!isTaken)
            {
                page.Dispose();
            }
        }

        position.Advance(end);
    }
}
