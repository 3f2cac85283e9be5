using System.Globalization;
using FastConsumer;
using Microsoft.Extensions.Logging;

namespace Walkthrough;

/// <summary>Takes orders. One that is no number stops its shard, and one of a slow customer takes a second.</summary>
[KinesisProcessor("orders")]
[OnError(typeof(FormatException), ErrorAction.Stop)]
[OnError(typeof(OverflowException), ErrorAction.Stop)]
public sealed partial class OrderProcessor(TimeProvider time, ILogger<OrderProcessor> log)
{
    [OnRecord]
    public async ValueTask HandleAsync(KinesisRecord order, CancellationToken cancellationToken)
    {
        int number = int.Parse(order.DataSpan, CultureInfo.InvariantCulture);
        if (order.PartitionKey == "slow")
        {
            await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
        }

        Log.Taken(log, number);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "order {Number} is taken")]
        public static partial void Taken(ILogger log, int number);
    }
}
