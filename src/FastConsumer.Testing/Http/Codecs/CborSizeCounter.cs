using System.Text;

namespace FastConsumer.Testing.Http.Codecs;

/// <summary>
/// Counts what <see cref="CborWireWriter"/> would write, so that a large answer has its Content-Length and still goes
/// straight into the connection's pipe.
/// </summary>
internal sealed class CborSizeCounter : WireWriter
{
    public long Bytes { get; private set; }

    public override void StartMap(int count) => Head((ulong)count);

    public override void EndMap()
    {
    }

    public override void StartArray(int count) => Head((ulong)count);

    public override void EndArray()
    {
    }

    public override void Name(ReadOnlySpan<byte> utf8) => Sized(utf8.Length);

    public override void Text(ReadOnlySpan<byte> utf8) => Sized(utf8.Length);

    public override void Text(string value) => Sized(Encoding.UTF8.GetByteCount(value));

    public override void Number(long value) => Head((ulong)(value < 0 ? ~value : value));

    public override void Flag(bool value) => Bytes++;

    public override void Blob(ReadOnlySpan<byte> value) => Sized(value.Length);

    public override void Timestamp(long unixMs)
    {
        Head(1);
        Number(unixMs);
    }

    private void Sized(int length)
    {
        Head((ulong)length);
        Bytes += length;
    }

    private void Head(ulong argument) => Bytes += CborHead.SizeOf(argument);
}
