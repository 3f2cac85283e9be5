using System.Text;
using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.State;
using FastConsumer.State.Format;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Testing.Harness;

/// <content>What the processor's states hold.</content>
public sealed partial class ProcessorHarness
{
    /// <summary>
    /// Reads the processor's state as it is checkpointed now: of each shard what its last checkpoint has. It is kept in memory, over
    /// crashes and restarts, unless the test chooses another place.
    /// </summary>
    /// <exception cref="InvalidOperationException">No consumer runs.</exception>
    /// <exception cref="CheckpointStoreException">The place of the state cannot be read.</exception>
    public Task<IReadOnlyList<StoredState>> ReadStateAsync() => ReadAsync<IReadOnlyList<StoredState>>(async reader =>
    {
        List<StoredState> entries = [];
        await foreach (StoredState entry in reader.ReadAsync(Leases, _options.CancellationToken).ConfigureAwait(false))
        {
            entries.Add(entry);
        }

        return entries;
    });

    /// <summary>
    /// What a <see cref="KeyedState{T}"/> holds for a partition key, as of the last checkpoint of the key's shard: after
    /// <see cref="WaitUntilDoneAsync"/> all that was put is in it. It is read by the processor's own serializer and migrations.
    /// </summary>
    /// <remarks>The place of the state is read before it returns: at once in memory, else the thread waits for it.</remarks>
    /// <typeparam name="T">The type of the state's values, as the processor declares it.</typeparam>
    /// <param name="name">The state's name in <see cref="StateAttribute"/>.</param>
    /// <param name="partitionKey">The partition key.</param>
    /// <param name="explicitHashKey">Decides on the shard instead, as it did when the records were put.</param>
    /// <exception cref="ArgumentException">The processor has no such state, or it is one of another type.</exception>
    /// <exception cref="InvalidOperationException">No consumer runs, or several shards have state of the key.</exception>
    /// <exception cref="StateUnreadableException">The stored value does not deserialize.</exception>
    /// <exception cref="CheckpointStoreException">The place of the state cannot be read.</exception>
    public CheckpointedValue<T> State<T>(string name, string partitionKey, UInt128? explicitHashKey = null)
    {
        StateTable<NoSubKey, T> table = Find<NoSubKey, T>(name, StateKind.Value);
        List<StoredState> entries = ReadKey(name, partitionKey, explicitHashKey);
        return entries.Count == 0 ? default : new CheckpointedValue<T>(true, Read(table, entries[0]));
    }

    /// <summary>
    /// What a <see cref="KeyedMap{TSubKey, T}"/> holds for a partition key, as of the last checkpoint of the key's shard; empty where it
    /// holds nothing. See <see cref="State{T}"/>.
    /// </summary>
    /// <typeparam name="TSubKey">The type of the keys inside the map.</typeparam>
    /// <typeparam name="T">The type of the map's values.</typeparam>
    /// <param name="name">The state's name in <see cref="StateAttribute"/>.</param>
    /// <param name="partitionKey">The partition key.</param>
    /// <param name="explicitHashKey">Decides on the shard instead, as it did when the records were put.</param>
    /// <exception cref="ArgumentException">The processor has no such state, or it is one of other types.</exception>
    /// <exception cref="InvalidOperationException">No consumer runs, or several shards have state of the key.</exception>
    /// <exception cref="StateUnreadableException">A stored value does not deserialize.</exception>
    /// <exception cref="CheckpointStoreException">The place of the state cannot be read.</exception>
    public IReadOnlyDictionary<TSubKey, T> StateMap<TSubKey, T>(string name, string partitionKey, UInt128? explicitHashKey = null)
        where TSubKey : notnull
    {
        StateTable<TSubKey, T> table = Find<TSubKey, T>(name, StateKind.Map);
        return ReadKey(name, partitionKey, explicitHashKey)
            .ToDictionary(static entry => entry.SubKey<TSubKey>(), entry => Read(table, entry));
    }

    /// <summary>
    /// What a <see cref="KeyedList{T}"/> holds for a partition key, as of the last checkpoint of the key's shard; empty where it holds
    /// nothing. See <see cref="State{T}"/>.
    /// </summary>
    /// <typeparam name="T">The type of the list's values.</typeparam>
    /// <param name="name">The state's name in <see cref="StateAttribute"/>.</param>
    /// <param name="partitionKey">The partition key.</param>
    /// <param name="explicitHashKey">Decides on the shard instead, as it did when the records were put.</param>
    /// <exception cref="ArgumentException">The processor has no such state, or it is one of another type.</exception>
    /// <exception cref="InvalidOperationException">No consumer runs, or several shards have state of the key.</exception>
    /// <exception cref="StateUnreadableException">The stored list does not deserialize.</exception>
    /// <exception cref="CheckpointStoreException">The place of the state cannot be read.</exception>
    public IReadOnlyList<T> StateList<T>(string name, string partitionKey, UInt128? explicitHashKey = null)
    {
        StateTable<NoSubKey, ListCells<T>> table = Find<NoSubKey, ListCells<T>>(name, StateKind.List);
        List<StoredState> entries = ReadKey(name, partitionKey, explicitHashKey);
        if (entries.Count == 0)
        {
            return [];
        }

        ListCells<T> cells = Read(table, entries[0]);
        return cells.Items is null ? [] : cells.Items[..cells.Count];
    }

    /// <summary>
    /// Moves the clock of the stream's server ahead: what is put from now on arrives so much later, so state with a
    /// <see cref="StateAttribute.Ttl"/> expires once such a record is handled. Nothing waits. The clocks of the consumer and of handlers
    /// stay as they are.
    /// </summary>
    /// <remarks>
    /// Records that are older than the stream's retention by then, 24 hours unless the test sets another, are gone, as they would be: call
    /// <see cref="WaitUntilDoneAsync"/> before.
    /// </remarks>
    /// <param name="time">How far, zero or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public void Advance(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        _time.Advance(time);
    }

    /// <summary>
    /// What handlers have added to an output that the test binds to no sink, in the order in which it was written: each value once, also
    /// after crashes. Those of all records that are done are there after <see cref="WaitUntilDoneAsync"/>. What is replayed from a file
    /// puts nothing here.
    /// </summary>
    /// <typeparam name="T">The values' type.</typeparam>
    /// <param name="name">The output's name in <see cref="OutputAttribute"/>.</param>
    /// <exception cref="InvalidOperationException">No consumer runs.</exception>
    /// <exception cref="ArgumentException">The processor has no such output, or one with values of another type.</exception>
    public IReadOnlyList<Positioned<T>> Outputs<T>(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        IReadOnlyList<OutputFeed> outputs = _createPipeline(Services).State?.Outputs ?? [];
        OutputFeed output = outputs.FirstOrDefault(output => output.Name == name) ?? throw new ArgumentException(
            $"{_processorName} has no output '{name}'{(outputs.Count == 0 ? "" : ", but "
                + string.Join(", ", outputs.Select(static output => $"'{output.Name}'")))}.",
            nameof(name));
        return output.ValueType == typeof(T) ? _outputs.Of<T>(name) : throw new ArgumentException(
            $"The output '{name}' of {_processorName} has values of type {output.ValueType.Name}: read it with "
                + $"Outputs<{output.ValueType.Name}>.",
            nameof(name));
    }

    private static T Read<TSubKey, T>(StateTable<TSubKey, T> table, StoredState entry)
        where TSubKey : notnull => table.Codec.Read(entry.Stored, Encoding.UTF8.GetBytes(entry.PartitionKey));

    /// <summary>
    /// The processor's state of that name. Its serializers are made for each call: those of a shard belong to its handlers.
    /// </summary>
    private StateTable<TSubKey, T> Find<TSubKey, T>(string name, StateKind kind)
        where TSubKey : notnull
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        IReadOnlyList<StateTable> tables = _createPipeline(Services).State?.Tables ?? [];
        if (tables.FirstOrDefault(table => table.Name == name) is not { } found)
        {
            throw new ArgumentException(
                tables.Count == 0
                    ? $"{_processorName} declares no [State]."
                    : $"{_processorName} declares no state '{name}'. It declares "
                        + $"{string.Join(", ", tables.Select(static table => $"'{table.Name}'"))}.",
                nameof(name));
        }

        return found as StateTable<TSubKey, T> is { } table && found.Kind == kind
            ? table
            : throw new ArgumentException(
                $"State '{name}' of {_processorName} is a {Describe(found)}: read it with {CallOf(found)}.", nameof(name));
    }

    private static string Describe(StateTable table) => table.Kind switch
    {
        StateKind.Value => $"KeyedState<{TypesOf(table)}>",
        StateKind.Map => $"KeyedMap<{TypesOf(table)}>",
        _ => $"KeyedList<{TypesOf(table)}>",
    };

    private static string CallOf(StateTable table) => table.Kind switch
    {
        StateKind.Value => $"State<{TypesOf(table)}>",
        StateKind.Map => $"StateMap<{TypesOf(table)}>",
        _ => $"StateList<{TypesOf(table)}>",
    };

    private static string TypesOf(StateTable table)
    {
        Type[] types = table.GetType().GetGenericArguments();
        return table.Kind switch
        {
            StateKind.Value => types[1].Name,
            StateKind.Map => $"{types[0].Name}, {types[1].Name}",
            _ => types[1].GetGenericArguments()[0].Name,
        };
    }

    private List<StoredState> ReadKey(string name, string partitionKey, UInt128? explicitHashKey)
    {
        ArgumentException.ThrowIfNullOrEmpty(partitionKey);
        byte[] key = Encoding.UTF8.GetBytes(partitionKey);
        UInt128 hashKey = explicitHashKey ?? HashKeys.Of(key);
        List<StoredState> entries = ReadAsync(async reader =>
        {
            List<StoredState> found = [];
            // the shards of a file of saved records have no hash keys of their own
            foreach (Lease lease in SnapshotReader.Current(Leases)
                .Where(lease => _replay is not null || lease.HashKeyRange is not { } range || range.Contains(hashKey)))
            {
                foreach (StoredSnapshot snapshot in await reader.OpenAsync(lease, _options.CancellationToken).ConfigureAwait(false))
                {
                    found.AddRange(await reader.ReadAsync(
                        snapshot, name, null, key, _options.CancellationToken).ConfigureAwait(false));
                }
            }

            return found;
        }).GetAwaiter().GetResult();
        string[] shards = [.. entries.Select(static entry => entry.ShardId).Distinct(StringComparer.Ordinal)];
        return shards.Length > 1
            ? throw new InvalidOperationException(
                $"Shards {string.Join(" and ", shards)} all have state '{name}' of key '{partitionKey}'. ReadStateAsync gives that of "
                    + "each.")
            : [.. entries.GroupBy(static entry => Convert.ToHexString(entry.SubKeyBytes.Span), StringComparer.Ordinal).Select(Original)];
    }

    /// <summary>Of two parents' entries, until their child has united them, the one that is no copy.</summary>
    private static StoredState Original(IEnumerable<StoredState> entries)
    {
        StoredState[] all = [.. entries];
        StoredState[] originals = [.. all.Where(static entry => !entry.IsCopy)];
        return all.Length == 1 ? all[0]
            : originals.Length == 1 ? originals[0]
            : throw new InvalidOperationException(
                $"Shard {all[0].ShardId} has not united the state of its parents for key '{all[0].PartitionKey}' yet. Put a record into it "
                    + "and wait until it is done.");
    }

    private async Task<T> ReadAsync<T>(Func<SnapshotReader, Task<T>> read)
    {
        var reader = new SnapshotReader(Services.GetRequiredKeyedService<ICheckpointStore>(""), _settings.ApplicationName!);
        for (int tries = 1; ; tries++)
        {
            try
            {
                return await read(reader).ConfigureAwait(false);
            }
            catch (CheckpointObjectMissingException) when (tries < MostReads)
            {
                // a checkpoint has come in between, and what it supersedes is gone
            }
        }
    }
}
