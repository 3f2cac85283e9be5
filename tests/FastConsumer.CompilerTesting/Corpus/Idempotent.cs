// A conditional put: what was written already is an expected outcome.
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;
using FastConsumer;
using Microsoft.Extensions.Logging;

namespace Corpus.Idempotent;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[OnError(typeof(AmazonServiceException), ErrorAction.Retry)]
public sealed partial class OrderStore(IAmazonDynamoDB table, ILogger<OrderStore> log)
{
    [OnRecord]
    public async ValueTask HandleAsync(Order order, CancellationToken cancellationToken)
    {
        try
        {
            await table.PutItemAsync("orders", new Dictionary<string, AttributeValue> { ["id"] = new(order.Id) }, cancellationToken);
        }
        catch (ConditionalCheckFailedException)
        {
            log.LogDebug("{Order} is there already", order.Id);
        }
    }
}
