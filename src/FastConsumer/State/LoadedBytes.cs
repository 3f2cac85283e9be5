using FastConsumer.State.Format;

namespace FastConsumer.State;

/// <summary>
/// Copies of what a restore keeps, many in one array. The bytes that a snapshot was read into are of no use then, and an array here is kept
/// no longer than what is in it. One caller at a time.
/// </summary>
internal sealed class LoadedBytes
{
    /// <summary>
    /// A small state takes a small array. The largest are below what the runtime keeps apart as large objects, which only a collection of
    /// all memory frees.
    /// </summary>
    private const int LeastBytes = 512;
    private const int MostBytes = 64 * 1024;

    private byte[] _bytes = [];
    private int _used;

    // what the values in the array are of: most have one version
    private StoredBytes? _source;
    private StoredBytes? _other;

    /// <summary>Keeps a copy.</summary>
    /// <returns>Where it is.</returns>
    public (byte[] Bytes, int Offset) Keep(ReadOnlySpan<byte> kept)
    {
        if (kept.Length > _bytes.Length - _used)
        {
            if (kept.Length > MostBytes / 2)
            {
                return (kept.ToArray(), 0);
            }

            _bytes = GC.AllocateUninitializedArray<byte>(Math.Max(kept.Length, Math.Clamp(2 * _bytes.Length, LeastBytes, MostBytes)));
            _used = 0;
        }

        int offset = _used;
        kept.CopyTo(_bytes.AsSpan(offset));
        _used += kept.Length;
        return (_bytes, offset);
    }

    /// <summary>Keeps a copy of a value.</summary>
    public StoredValue Keep(in StoredValue value)
    {
        if (value.Source is not { Version: var version })
        {
            return default;
        }

        (byte[] bytes, int offset) = Keep(value.Span);
        if (IsOf(_source))
        {
            return new StoredValue(_source, offset, value.Length);
        }

        (_source, _other) = (IsOf(_other) ? _other : new StoredBytes(bytes, version), _source);
        return new StoredValue(_source, offset, value.Length);

        bool IsOf(StoredBytes? source) => source is not null && source.Bytes == bytes && source.Version == version;
    }

    /// <summary>Keeps copies of bases.</summary>
    public CopyBase? Keep(CopyBase? bases) => bases is null
        ? null
        : CopyBase.Chain([.. CopyBase.List(bases).Select(one => one with { Value = Keep(one.Value) })]);
}
