namespace FastConsumer.Testing.Http.Codecs;

/// <summary>Writes one answer, in either encoding. Maps and arrays are told their sizes, which CBOR writes in front.</summary>
internal abstract class WireWriter
{
    public abstract void StartMap(int count);

    public abstract void EndMap();

    public abstract void StartArray(int count);

    public abstract void EndArray();

    public abstract void Name(ReadOnlySpan<byte> utf8);

    public abstract void Text(ReadOnlySpan<byte> utf8);

    public abstract void Text(string value);

    public abstract void Number(long value);

    public abstract void Flag(bool value);

    public abstract void Blob(ReadOnlySpan<byte> value);

    /// <summary>A time in epoch milliseconds.</summary>
    public abstract void Timestamp(long unixMs);

    public void Pair(ReadOnlySpan<byte> name, string value)
    {
        Name(name);
        Text(value);
    }

    public void Pair(ReadOnlySpan<byte> name, long value)
    {
        Name(name);
        Number(value);
    }

    public void Pair(ReadOnlySpan<byte> name, bool value)
    {
        Name(name);
        Flag(value);
    }

    public void PairTimestamp(ReadOnlySpan<byte> name, long unixMs)
    {
        Name(name);
        Timestamp(unixMs);
    }
}
