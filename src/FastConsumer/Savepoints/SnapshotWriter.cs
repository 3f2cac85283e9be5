using System.Buffers;
using System.Text;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using FastConsumer.State;
using FastConsumer.State.Format;

namespace FastConsumer.Savepoints;

/// <summary>
/// Takes state that comes from elsewhere, such as an existing table, and makes a savepoint of it
/// (<see cref="SavepointStore.WriteAsync"/>), so that a processor begins with it. It has no positions: it is restored without
/// (<see cref="SavepointTarget.Layout"/>).
/// </summary>
/// <remarks>
/// All of it is in memory until it is written. What is said again of the same entry replaces what was said before. One caller at a time.
/// </remarks>
/// <param name="processorName">The name of the processor's class.</param>
/// <param name="stateVersion">The <see cref="KinesisProcessorAttribute.StateVersion"/> of the values, 1 or more.</param>
public sealed class SnapshotWriter(string processorName, int stateVersion = 1)
{
    private readonly SortedDictionary<string, WrittenState> _states = new(StringComparer.Ordinal);
    private readonly ArrayBufferWriter<byte> _value = new();

    /// <summary>The name of the processor's class.</summary>
    public string ProcessorName { get; } = processorName is { Length: > 0 }
        ? processorName
        : throw new ArgumentException("The processor's class has a name.", nameof(processorName));

    /// <summary>The version of the values.</summary>
    public int StateVersion { get; } = stateVersion >= 1
        ? stateVersion
        : throw new ArgumentOutOfRangeException(nameof(stateVersion), stateVersion, "Versions begin with 1.");

    /// <summary>How many keys of states it has; of a map each entry counts.</summary>
    public long Count => _states.Values.Sum(static state => (long)state.Entries.Count);

    internal IReadOnlyDictionary<string, WrittenState> States => _states;

    /// <summary>Sets the value that a <see cref="KeyedState{T}"/> has for a key.</summary>
    /// <param name="state">The state's name, as <c>[State]</c> says it.</param>
    /// <param name="partitionKey">The key.</param>
    /// <param name="value">The value.</param>
    /// <param name="serializer">
    /// What the processor reads it with: its own serializer, or <see cref="JsonStateSerializer{T}"/> where it names none.
    /// </param>
    /// <param name="expiresAt">The time of the stream from which on it is gone; null for a state without a time to live.</param>
    /// <typeparam name="T">The state's type of values.</typeparam>
    /// <exception cref="ArgumentException">The state is of another kind or serializer, or a text is none.</exception>
    public void Set<T>(
        string state, string partitionKey, T value, IStateSerializer<T> serializer, DateTimeOffset? expiresAt = null)
    {
        WrittenState written = StateOf(state, StateKind.Value, serializer);
        written.Entries[(KeyOf(partitionKey), "")] = new WrittenEntry(BytesOf(value, serializer), expiresAt);
    }

    /// <summary>Sets the value that a <see cref="KeyedMap{TSubKey, T}"/> has for a key and a key inside its map.</summary>
    /// <param name="state">The state's name, as <c>[State]</c> says it.</param>
    /// <param name="partitionKey">The key.</param>
    /// <param name="subKey">The key inside the map.</param>
    /// <param name="value">The value.</param>
    /// <param name="serializer">As for values.</param>
    /// <param name="expiresAt">As for values.</param>
    /// <typeparam name="TSubKey">The map's type of keys.</typeparam>
    /// <typeparam name="T">The map's type of values.</typeparam>
    /// <exception cref="ArgumentException">The state is of another kind or serializer, or a text is none.</exception>
    /// <exception cref="NotSupportedException">No map has such keys.</exception>
    public void SetEntry<TSubKey, T>(
        string state,
        string partitionKey,
        TSubKey subKey,
        T value,
        IStateSerializer<T> serializer,
        DateTimeOffset? expiresAt = null)
        where TSubKey : notnull
    {
        if (!SubKeys.IsSupported<TSubKey>())
        {
            throw new NotSupportedException($"Keys of a map are text, integers, enums or Guids, and {typeof(TSubKey)} is none of them.");
        }

        SubKeys.ThrowIfUnfit(subKey);
        WrittenState written = StateOf(state, StateKind.Map, serializer);
        _value.ResetWrittenCount();
        SubKeys.Write(subKey, _value);
        string bytes = Encoding.Latin1.GetString(_value.WrittenSpan);
        written.Entries[(KeyOf(partitionKey), bytes)] = new WrittenEntry(BytesOf(value, serializer), expiresAt);
    }

    /// <summary>Appends a value to the list that a <see cref="KeyedList{T}"/> has for a key.</summary>
    /// <param name="state">The state's name, as <c>[State]</c> says it.</param>
    /// <param name="partitionKey">The key.</param>
    /// <param name="value">The value.</param>
    /// <param name="serializer">As for values.</param>
    /// <param name="expiresAt">As for values: of the whole list.</param>
    /// <typeparam name="T">The list's type of values.</typeparam>
    /// <exception cref="ArgumentException">The state is of another kind or serializer, or a text is none.</exception>
    public void Append<T>(
        string state, string partitionKey, T value, IStateSerializer<T> serializer, DateTimeOffset? expiresAt = null)
    {
        WrittenState written = StateOf(state, StateKind.List, serializer);
        byte[] item = BytesOf(value, serializer);
        _value.ResetWrittenCount();
        if (written.Entries.TryGetValue((KeyOf(partitionKey), ""), out WrittenEntry? former))
        {
            _value.Write(former.Value);
        }

        SegmentWriter.WriteBytes(_value, item);
        written.Entries[(KeyOf(partitionKey), "")] = new WrittenEntry(_value.WrittenSpan.ToArray(), expiresAt);
    }

    private WrittenState StateOf(string name, StateKind kind, object serializer)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(serializer);
        string codec = ProcessorState.CodecOf(serializer);
        if (!_states.TryGetValue(name, out WrittenState? state))
        {
            _states.Add(name, state = new WrittenState(kind, codec));
        }

        return state.Kind == kind && state.Codec == codec ? state : throw new ArgumentException(
            $"The state '{name}' is a {state.Kind} of {state.Codec}, and not a {kind} of {codec}.", nameof(name));
    }

    private byte[] BytesOf<T>(T value, IStateSerializer<T> serializer)
    {
        _value.ResetWrittenCount();
        serializer.Write(value, _value);
        return _value.WrittenSpan.ToArray();
    }

    private static string KeyOf(string partitionKey)
    {
        ArgumentException.ThrowIfNullOrEmpty(partitionKey);
        SubKeys.ThrowIfUnfit(partitionKey);
        return partitionKey;
    }

    /// <summary>One state.</summary>
    internal sealed class WrittenState(StateKind kind, string codec)
    {
        public StateKind Kind { get; } = kind;

        public string Codec { get; } = codec;

        /// <summary>By key and sub-key, whose bytes are the characters.</summary>
        public Dictionary<(string Key, string SubKey), WrittenEntry> Entries { get; } = [];

        /// <summary>In the order of a segment: by group, then by key.</summary>
        public IEnumerable<(byte[] Key, UInt128 HashKey, byte[] SubKey, WrittenEntry Entry)> InOrder() => Entries
            .Select(static pair => (
                Key: Encoding.UTF8.GetBytes(pair.Key.Key), SubKey: Encoding.Latin1.GetBytes(pair.Key.SubKey), Entry: pair.Value))
            .Select(static one => (one.Key, HashKeys.Of(one.Key), one.SubKey, one.Entry))
            .OrderBy(static one => one.Item2)
            .ThenBy(static one => Convert.ToHexString(one.SubKey), StringComparer.Ordinal);
    }

    /// <summary>One entry.</summary>
    internal sealed record WrittenEntry(byte[] Value, DateTimeOffset? ExpiresAt);
}
