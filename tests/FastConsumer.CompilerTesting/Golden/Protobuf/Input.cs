using FastConsumer;
using Google.Protobuf.WellKnownTypes;

namespace Acme.Orders;

[KinesisProcessor("times")]
public sealed partial class TimeProcessor : ProcessorBase
{
    [OnRecord]
    private ValueTask HandleAsync(Timestamp time) => default;
}
