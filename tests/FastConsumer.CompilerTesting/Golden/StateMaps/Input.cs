using System;
using System.Buffers;
using System.Buffers.Text;
using FastConsumer;

namespace Acme.Orders;

public enum Channel
{
    Web,
    Shop,
}

public sealed class NumberSerializer : IStateSerializer<long>, IStateSerializer<int>
{
    public void Write(long value, IBufferWriter<byte> output)
    {
        Utf8Formatter.TryFormat(value, output.GetSpan(20), out int written);
        output.Advance(written);
    }

    public long Read(ReadOnlySpan<byte> bytes) => long.Parse(bytes, provider: null);

    void IStateSerializer<int>.Write(int value, IBufferWriter<byte> output) => Write(value, output);

    int IStateSerializer<int>.Read(ReadOnlySpan<byte> bytes) => int.Parse(bytes, provider: null);
}

[KinesisProcessor("orders", JsonContext = typeof(AcmeJson), StateVersion = 2)]
public partial class OrderCounts
{
    [State("counts", Ttl = "00:00:01.5"), StateSerializer(typeof(NumberSerializer))]
    protected virtual partial KeyedMap<Channel, long> Counts { get; }

    [State("seen")]
    private partial KeyedMap<string, OrderPlaced> Seen { get; }

    [State("amounts"), StateSerializer(typeof(NumberSerializer))]
    private partial KeyedList<long> Amounts { get; }

    [Filter]
    public static bool IsOfInterest(KinesisRecord record) => record.Data.Length > 0;

    [Filter]
    public static bool IsOfInterest(OrderPlaced order) => order.Amount > 0;

    [OnRecord]
    public void Handle(OrderPlaced order, RecordContext context)
    {
        if (Seen.Of(context).TryAdd(order.Id, order))
        {
            Counts.Of(context).Edit(Channel.Web)++;
            Amounts.Of(context).Add((long)order.Amount);
        }
    }

    [StateMigration("counts", From = 1)]
    public static long Widen(int old) => old;

    [StateMigration("amounts", From = 1)]
    public static long Double(long old) => 2 * old;
}
