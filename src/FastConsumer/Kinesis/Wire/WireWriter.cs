using System.Buffers;

namespace FastConsumer.Kinesis.Wire;

/// <summary>Writes a request in one of the formats.</summary>
internal abstract class WireWriter : IDisposable
{
    public static WireWriter Create(WireFormat format, IBufferWriter<byte> output) =>
        format == WireFormat.Cbor ? new CborWireWriter(output) : new JsonWireWriter(output);

    public abstract void StartMap();

    public abstract void EndMap();

    public abstract void StartArray();

    public abstract void EndArray();

    public abstract void Name(string name);

    public abstract void Text(string value);

    /// <summary>Text that is valid UTF-8.</summary>
    public abstract void Text(ReadOnlySpan<byte> utf8);

    public abstract void Integer(long value);

    public abstract void Boolean(bool value);

    public abstract void Blob(ReadOnlySpan<byte> value);

    public abstract void Timestamp(long milliseconds);

    public void Member(string name, string value)
    {
        Name(name);
        Text(value);
    }

    public void Member(string name, ReadOnlySpan<byte> utf8)
    {
        Name(name);
        Text(utf8);
    }

    public void Member(string name, long value)
    {
        Name(name);
        Integer(value);
    }

    public void Member(string name, bool value)
    {
        Name(name);
        Boolean(value);
    }

    /// <summary>Passes everything on to the output.</summary>
    public abstract void Dispose();
}
