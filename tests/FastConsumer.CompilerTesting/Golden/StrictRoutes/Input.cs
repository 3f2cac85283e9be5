using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("orders", RouteProperty = "type")]
public sealed partial class OrderCounter : ProcessorBase
{
    private int _placed;
    private int _cancelled;

    [OnRecord(Route = "order.placed")]
    private void Placed(ReadOnlySpan<byte> json) => _placed++;

    [OnRecord(Route = "order.cancelled")]
    private void Cancelled(ReadOnlyMemory<byte> json) => _cancelled++;
}
