using System.Buffers;

namespace FastConsumer;

/// <summary>
/// Writes and reads the values of a state. The two methods may be called by different threads at the same time; <see cref="Write"/> by one,
/// and <see cref="Read"/> by several where the processor has lanes or the host an <see cref="IStateReader"/>.
/// </summary>
/// <typeparam name="T">The values' type.</typeparam>
public interface IStateSerializer<T>
{
    /// <summary>Writes a value. It is called beside the handlers, so it must not change the value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="output">Where to; borrowed for the call.</param>
    void Write(T value, IBufferWriter<byte> output);

    /// <summary>Reads a value. Any exception stops the shard, as <see cref="StateUnreadableException"/>.</summary>
    /// <param name="bytes">What <see cref="Write"/> wrote; borrowed for the call.</param>
    T Read(ReadOnlySpan<byte> bytes);
}
