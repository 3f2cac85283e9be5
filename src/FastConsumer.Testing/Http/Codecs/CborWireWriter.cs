using System.Buffers;
using System.Text;

namespace FastConsumer.Testing.Http.Codecs;

/// <summary>CBOR as the service writes it: blobs as byte strings, times as tag 1 with integer milliseconds.</summary>
internal sealed class CborWireWriter(IBufferWriter<byte> output) : WireWriter
{
    public override void StartMap(int count) => Head(CborHead.Map, (ulong)count);

    public override void EndMap()
    {
    }

    public override void StartArray(int count) => Head(CborHead.Array, (ulong)count);

    public override void EndArray()
    {
    }

    public override void Name(ReadOnlySpan<byte> utf8) => Text(utf8);

    public override void Text(ReadOnlySpan<byte> utf8) => Bytes(CborHead.TextString, utf8);

    public override void Text(string value) => Text(Encoding.UTF8.GetBytes(value));

    public override void Number(long value)
    {
        if (value < 0)
        {
            Head(CborHead.NegativeInteger, (ulong)~value);
        }
        else
        {
            Head(CborHead.UnsignedInteger, (ulong)value);
        }
    }

    public override void Flag(bool value) => output.Write([value ? CborHead.True : CborHead.False]);

    public override void Blob(ReadOnlySpan<byte> value) => Bytes(CborHead.ByteString, value);

    public override void Timestamp(long unixMs)
    {
        Head(CborHead.Tag, 1);
        Number(unixMs);
    }

    private void Bytes(int majorType, ReadOnlySpan<byte> value)
    {
        Head(majorType, (ulong)value.Length);
        output.Write(value);
    }

    private void Head(int majorType, ulong argument) =>
        output.Advance(CborHead.Write(output.GetSpan(CborHead.MaxSize), majorType, argument));
}
