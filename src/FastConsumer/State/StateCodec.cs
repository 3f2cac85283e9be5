using System.Buffers;
using FastConsumer.State.Format;

namespace FastConsumer.State;

/// <summary>What a table must know of its values.</summary>
internal abstract class StateCodec<T>
{
    /// <summary>Writes a value, beside the lane.</summary>
    public abstract void Write(T value, IBufferWriter<byte> output);

    /// <summary>Reads a stored value of any version; throws what stops the shard where it does not deserialize.</summary>
    public abstract T Read(in StoredValue value, ReadOnlySpan<byte> partitionKeyUtf8);

    /// <summary>Unites two values of one key; false where nothing says how.</summary>
    public abstract bool TryMerge(T a, T b, bool hasCommon, T? common, out T merged);
}
