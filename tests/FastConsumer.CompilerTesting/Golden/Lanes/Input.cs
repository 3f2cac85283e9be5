using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("orders")]
[Concurrency(8)]
public sealed partial class OrderProcessor : ProcessorBase
{
    [OnRecord]
    public ValueTask HandleAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) => default;
}

[KinesisProcessor("orders")]
[Concurrency(1024, Order = RecordOrder.None)]
public sealed partial class OrderCounter
{
    [OnRecord]
    public void Count(ReadOnlySpan<byte> data)
    {
    }
}
