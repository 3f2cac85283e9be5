using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer;
using FastConsumer.DynamoDb;
using FastConsumer.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Outputs that are written to DynamoDB.</summary>
public static class DynamoDbOutputBuilderExtensions
{
    /// <summary>
    /// Writes an output to DynamoDB: an item for each value, in a transaction that also moves a row with the shard's position. So each
    /// value is written exactly once, provided that handlers add the same values when records are handled again.
    /// </summary>
    /// <remarks>
    /// A transaction takes up to <see cref="DynamoDbTransaction.MaxItems"/> values, and no two that write the same item. All outputs with
    /// the same client and table of positions are written in one transaction; the options of the first count. A value that DynamoDB will
    /// never take, because of a condition or its size, is a <see cref="RejectedOutputException"/>, about which the rules of the processor
    /// decide.
    /// IAM actions on the table of positions: <c>dynamodb:DescribeTable</c>, <c>GetItem</c>, <c>Query</c>, <c>UpdateItem</c>, and to create
    /// it <c>CreateTable</c>; on the tables of the items <c>PutItem</c>, <c>UpdateItem</c> and <c>DeleteItem</c>, as they are used.
    /// </remarks>
    /// <param name="output">The output, from <c>AddOutput&lt;T&gt;(name)</c>.</param>
    /// <param name="client">Leads to the tables. It stays the application's, which disposes of it.</param>
    /// <param name="item">Makes an item of a value: a Put, an Update or a Delete. Any thread may call it.</param>
    /// <param name="options">The table of positions; null for the defaults.</param>
    /// <typeparam name="T">The values' type.</typeparam>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    /// <exception cref="InvalidOperationException">The output has a sink already.</exception>
    public static FastConsumerBuilder ToDynamoDb<T>(
        this OutputBuilder<T> output,
        IAmazonDynamoDB client,
        Func<Positioned<T>, TransactWriteItem> item,
        DynamoDbPositionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(item);
        DynamoDbPositionStore store = StoreOf(output.Consumer, client, options ?? new DynamoDbPositionOptions());
        var writer = new ItemWriter<T>(output.Name, item);
        return output.ToTransaction<DynamoDbTransaction>(_ => store, _ => writer);
    }

    /// <summary>The outputs of a consumer with one client and table have one store, and so one transaction.</summary>
    private static DynamoDbPositionStore StoreOf(FastConsumerBuilder consumer, IAmazonDynamoDB client, DynamoDbPositionOptions options)
    {
        ServiceDescriptor? known = consumer.Services.FirstOrDefault(
            service => service.ServiceType == typeof(OutputStore) && ((OutputStore)service.ImplementationInstance!) is { } made
                && made.Consumer == consumer.Name && made.Client == client && made.Table == options.TableName);
        if (known is null)
        {
            known = ServiceDescriptor.Singleton(
                new OutputStore(consumer.Name, client, options.TableName, new DynamoDbPositionStore(client, options)));
            consumer.Services.Add(known);
        }

        return ((OutputStore)known.ImplementationInstance!).Store;
    }

    private sealed record OutputStore(string Consumer, IAmazonDynamoDB Client, string Table, DynamoDbPositionStore Store);
}
