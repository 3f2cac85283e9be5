using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace FastConsumer.Kinesis.Wire;

/// <summary>CBOR: indefinite maps and arrays, raw blobs, timestamps as tag 1 and milliseconds, as the Java SDKs write them.</summary>
internal sealed class CborWireWriter(IBufferWriter<byte> output) : WireWriter
{
    private const int NegativeMajor = 1;
    private const int BytesMajor = 2;
    private const int TextMajor = 3;
    private const int TagMajor = 6;
    private const int EpochTag = 1;

    public override void StartMap() => Put(0xBF);

    public override void EndMap() => Put(0xFF);

    public override void StartArray() => Put(0x9F);

    public override void EndArray() => Put(0xFF);

    public override void Name(string name) => Text(name);

    public override void Text(string value)
    {
        int length = Encoding.UTF8.GetByteCount(value);
        Head(TextMajor, (ulong)length);
        Encoding.UTF8.GetBytes(value, output.GetSpan(length));
        output.Advance(length);
    }

    public override void Text(ReadOnlySpan<byte> utf8)
    {
        Head(TextMajor, (ulong)utf8.Length);
        output.Write(utf8);
    }

    public override void Integer(long value)
    {
        if (value >= 0)
        {
            Head(0, (ulong)value);
        }
        else
        {
            Head(NegativeMajor, (ulong)(-1 - value));
        }
    }

    public override void Boolean(bool value) => Put(value ? (byte)0xF5 : (byte)0xF4);

    public override void Blob(ReadOnlySpan<byte> value)
    {
        Head(BytesMajor, (ulong)value.Length);
        output.Write(value);
    }

    public override void Timestamp(long milliseconds)
    {
        Head(TagMajor, EpochTag);
        Integer(milliseconds);
    }

    public override void Dispose()
    {
        // every item is in the output already
    }

    private void Put(byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }

    private void Head(int major, ulong value)
    {
        Span<byte> head = output.GetSpan(9);
        int initial = major << 5;
        switch (value)
        {
            case < 24:
                head[0] = (byte)(initial | (int)value);
                output.Advance(1);
                break;
            case <= byte.MaxValue:
                head[0] = (byte)(initial | 24);
                head[1] = (byte)value;
                output.Advance(2);
                break;
            case <= ushort.MaxValue:
                head[0] = (byte)(initial | 25);
                BinaryPrimitives.WriteUInt16BigEndian(head[1..], (ushort)value);
                output.Advance(3);
                break;
            case <= uint.MaxValue:
                head[0] = (byte)(initial | 26);
                BinaryPrimitives.WriteUInt32BigEndian(head[1..], (uint)value);
                output.Advance(5);
                break;
            default:
                head[0] = (byte)(initial | 27);
                BinaryPrimitives.WriteUInt64BigEndian(head[1..], value);
                output.Advance(9);
                break;
        }
    }
}
