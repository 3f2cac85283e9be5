#nullable enable
using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("mixed", JsonContext = typeof(AcmeJson), RouteProperty = "kind")]
public sealed partial class MixedProcessor : ProcessorBase
{
    [OnRecord(Route = "generic")]
    private static void Handle(Envelope<List<string?>> envelope)
    {
    }

    [OnRecord(Route = "struct")]
    private void Handle(Reading reading)
    {
    }

    [OnRecord(Route = "nullable")]
    private void Handle(OrderPlaced? order)
    {
    }

    [OnRecord(Route = "primitive")]
    private void Handle(double number)
    {
    }

    [OnRecord(Route = "obsolete")]
    [Obsolete("The generated call is no second warning.")]
    private void Old(OrderCancelled order)
    {
    }
}
