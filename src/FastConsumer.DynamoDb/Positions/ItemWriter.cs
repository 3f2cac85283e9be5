using Amazon.DynamoDBv2.Model;

namespace FastConsumer.DynamoDb;

/// <summary>Writes an item for each value.</summary>
internal sealed class ItemWriter<T>(string output, Func<Positioned<T>, TransactWriteItem> make) : IOutputWriter<T, DynamoDbTransaction>
{
    public Task WriteAsync(
        DynamoDbTransaction transaction, ReadOnlyMemory<Positioned<T>> outputs, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        for (int i = 0; i < outputs.Length; i++)
        {
            TransactWriteItem? item = make(outputs.Span[i]);
            int writes = (item?.Put is null ? 0 : 1) + (item?.Update is null ? 0 : 1) + (item?.Delete is null ? 0 : 1);
            if (item is null || writes != 1 || item.ConditionCheck is not null)
            {
                // the same value makes the same item each time
                throw new RejectedOutputException(
                    i,
                    $"The function of output '{output}' made {(item is null ? "null" : "an item without exactly one write")} of a value of "
                        + $"record {outputs.Span[i].Position} in shard {outputs.Span[i].ShardId}. Let it return a TransactWriteItem with "
                        + "one of Put, Update and Delete for each value, and nothing else in it.");
            }

            transaction.Add(item);
        }

        return Task.CompletedTask;
    }
}
