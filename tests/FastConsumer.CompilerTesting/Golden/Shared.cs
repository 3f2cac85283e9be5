using System.Text.Json.Serialization;
using FastConsumer;

namespace Acme;

public abstract class ProcessorBase
{
    // room for an edit
}

public abstract class OrderEvent
{
    public required string Id { get; init; }

    // room for an edit
}

public sealed class OrderPlaced : OrderEvent
{
    public decimal Amount { get; init; }
}

public sealed class OrderCancelled : OrderEvent;

public readonly record struct Reading(string Sensor, double Value);

public sealed record Envelope<T>(T Body);

public interface IOrderBook
{
    Task AddAsync(OrderEvent order, CancellationToken cancellationToken);
}

[JsonSerializable(typeof(OrderPlaced))]
[JsonSerializable(typeof(OrderCancelled))]
[JsonSerializable(typeof(Reading))]
[JsonSerializable(typeof(Envelope<List<string?>>))]
public sealed partial class AcmeJson : JsonSerializerContext;
