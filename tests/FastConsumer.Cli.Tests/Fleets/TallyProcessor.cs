using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json.Serialization;

namespace FastConsumer.Cli.Tests.Fleets;

/// <summary>What is remembered of a customer.</summary>
public sealed record Tally(int Orders, string Last);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Tally))]
[JsonSerializable(typeof(bool))]
public sealed partial class TallyJson : JsonSerializerContext;

/// <summary>A number as four bytes, which are no JSON.</summary>
public sealed class FourBytes : IStateSerializer<int>
{
    public void Write(int value, IBufferWriter<byte> output)
    {
        BinaryPrimitives.WriteInt32LittleEndian(output.GetSpan(sizeof(int)), value);
        output.Advance(sizeof(int));
    }

    public int Read(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt32LittleEndian(bytes);
}

/// <summary>Keeps state of each kind.</summary>
[KinesisProcessor("orders", JsonContext = typeof(TallyJson))]
public sealed partial class TallyProcessor(Orders orders)
{
    [State("tally")]
    private partial KeyedState<Tally> Tallies { get; }

    [State("seen", Ttl = "1.00:00:00")]
    private partial KeyedMap<string, bool> Seen { get; }

    [State("lengths")]
    [StateSerializer(typeof(FourBytes))]
    private partial KeyedList<int> Lengths { get; }

    [OnRecord]
    private ValueTask HandleAsync(string text, RecordContext context)
    {
        StateValue<Tally> tally = Tallies.Of(context);
        tally.Set(new Tally((tally.Value?.Orders ?? 0) + 1, text));
        Seen.Of(context)[text] = true;
        Lengths.Of(context).Add(text.Length);
        return orders.HandleAsync(text);
    }
}
