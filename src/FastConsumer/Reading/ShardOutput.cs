using System.Threading.Channels;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Reading;

/// <summary>What both readers do with an answer: unpack it, pass it on, and move the position after that.</summary>
internal sealed class ShardOutput(ShardReaderSettings settings, ShardPosition position, Findings findings, ILogger log)
{
    private readonly Deaggregation? _deaggregation =
        settings.Deaggregate ? new Deaggregation(settings.HashKeyRange, settings.ForeignRecords) : null;
    private bool _foreignSaid;
    private bool _deliveredSaid;

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
            settings.Shard.LeftOut(result.Foreign);
            if (!_foreignSaid)
            {
                _foreignSaid = true;
                ConsumerLog.ForeignRecords(log, settings.Shard.ShardId, result.Foreign);
            }
        }

        if (_deaggregation.HasDelivered && !_deliveredSaid)
        {
            _deliveredSaid = true;
            findings.Raise(
                FindingRules.ForeignRecordsDelivered,
                settings.Shard.Scope,
                $"Aggregates in shard {settings.Shard.ShardId} of {settings.Shard.Stream} hold records whose keys belong to other shards. "
                    + "Their producer knows no shards and sends them nowhere else, so they are delivered here.");
        }

        return result.End;
    }

    /// <summary>Waits for room in the byte budget.</summary>
    public async ValueTask<ByteBudget.Reservation> ReserveAsync(
        ByteBudget.Account budget, long bytes, CancellationToken cancellationToken)
    {
        ValueTask<ByteBudget.Reservation> reserving = budget.ReserveAsync(bytes, cancellationToken);
        if (!reserving.IsCompleted)
        {
            settings.Shard.Time.Enter(ShardState.Budget);
        }

        return await reserving;
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
                ValueTask writing = output.WriteAsync(ReadItem.Records(page), cancellationToken);
                if (!writing.IsCompleted)
                {
                    settings.Shard.Time.Enter(ShardState.Handling);
                }

                await writing;
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
