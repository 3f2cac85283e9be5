using System;
using System.Data.Common;
using System.Threading;
using System.Threading.Tasks;
using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("orders", RouteProperty = "type")]
[OnError(typeof(TimeoutException), ErrorAction.Retry, Timeout = "00:00:05")]
public sealed partial class OrderProcessor
{
    [Filter]
    public static bool IsOfInterest(ReadOnlySpan<byte> data) => data.Length > 0;

    [OnRecord(Route = "order.placed")]
    public Task PlacedAsync(string order, DbTransaction transaction, RecordContext context, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    [OnRecord(Route = "order.paid")]
    public void Paid(ReadOnlySpan<byte> order, DbTransaction transaction, [FromServices] IOrderBook book, CancellationToken token)
    {
    }

    [OnRecord]
    public void Other(KinesisRecord record, CancellationToken token)
    {
    }
}
