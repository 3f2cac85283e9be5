using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>
/// Sends one conditional write and finds out what became of it. Neither a refusal nor a lost answer is believed: the row
/// itself tells whether the write took effect, since nobody else sets this owner together with the next counter.
/// </summary>
internal sealed class SettledWrite(LeaseTable table, LeaseReader reader)
{
    /// <summary>Sends the write once.</summary>
    /// <param name="request">The write, conditional on <paramref name="before"/>.</param>
    /// <param name="before">The row as the condition has it.</param>
    /// <param name="tookEffect">Whether a row, whose counter is the next one, is what the write makes of it.</param>
    /// <param name="cancellationToken">Cancels; the write may then have taken effect.</param>
    /// <returns>What became of it; <see cref="LeaseWriteOutcome.Failed"/> comes with a <see cref="LeaseStoreException"/>.</returns>
    public async Task<LeaseWriteResult> WriteAsync(
        UpdateItemRequest request, Lease before, Func<Lease, bool> tookEffect, CancellationToken cancellationToken)
    {
        LeaseStoreException? fault = null;
        try
        {
            Dictionary<string, AttributeValue>? refusing = null;
            try
            {
                UpdateItemResponse response = await table.Writes.UpdateItemAsync(request, cancellationToken);
                table.Meter.Wrote(response.ConsumedCapacity?.CapacityUnits);
                return new LeaseWriteResult(LeaseWriteOutcome.Written, LeaseItem.Read(response.Attributes, table));
            }
            catch (ConditionalCheckFailedException refused)
            {
                // it costs as much as one that takes effect
                table.Meter.Wrote(null);
                refusing = refused.Item;
            }
            catch (Exception exception) when (!DynamoDbFault.IsCancellation(exception, cancellationToken))
            {
                fault = DynamoDbFault.Translate(exception, "UpdateItem", table);
                table.Meter.Failed(fault);
                if (!DynamoDbFault.LeavesDoubt(exception))
                {
                    return new LeaseWriteResult(LeaseWriteOutcome.Failed, null, fault);
                }
            }

            Lease? row = refusing is { Count: > 0 }
                ? LeaseItem.Read(refusing, table)
                : await reader.GetAsync(before.LeaseKey, cancellationToken);
            return Settle(before, row, tookEffect, fault);
        }
        catch (LeaseStoreException unreadable)
        {
            return new LeaseWriteResult(LeaseWriteOutcome.Failed, null, Unsettled(fault, unreadable));
        }
    }

    /// <summary>What became of a write, told by the row as it is after it.</summary>
    /// <param name="before">The row as the condition has it.</param>
    /// <param name="row">The row now; null where it is gone.</param>
    /// <param name="tookEffect">Whether a row, whose counter is the next one, is what the write makes of it.</param>
    /// <param name="fault">Why there was no answer; null where the answer was a refusal.</param>
    public static LeaseWriteResult Settle(Lease before, Lease? row, Func<Lease, bool> tookEffect, LeaseStoreException? fault)
    {
        if (row is not null && row.LeaseCounter == before.LeaseCounter + 1 && tookEffect(row))
        {
            return new LeaseWriteResult(LeaseWriteOutcome.Written, row);
        }

        return fault is not null && row is not null && IsAs(before, row)
            ? new LeaseWriteResult(LeaseWriteOutcome.Failed, row, fault)
            : new LeaseWriteResult(LeaseWriteOutcome.Refused, row);
    }

    /// <summary>Why a write's fate is not known where its row cannot be read back: the first fault says more, where there was one.</summary>
    /// <param name="fault">Why the write was not answered; null where it was refused.</param>
    /// <param name="unreadable">Why the row cannot be read. A throttle of reads is none of writes, which need not slow down for it.</param>
    public static LeaseStoreException Unsettled(LeaseStoreException? fault, LeaseStoreException unreadable) =>
        fault ?? (unreadable.IsThrottled
            ? new LeaseStoreException($"A write was refused, and its row could not be read back: {unreadable.Message}", isTransient: true, unreadable)
            : unreadable);

    /// <summary>True where owners and counter are the same.</summary>
    public static bool IsAs(Lease before, Lease row) =>
        row.LeaseCounter == before.LeaseCounter && row.LeaseOwner == before.LeaseOwner && row.CheckpointOwner == before.CheckpointOwner;
}
