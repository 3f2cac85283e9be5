using System.Text;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using FastConsumer.State;
using FastConsumer.State.Format;

namespace FastConsumer.Hosting;

/// <summary>Finds the shard of a key and, where a worker of this process holds it, reads its last cut.</summary>
internal sealed class StateReader(FastConsumerBuilder consumer, ConsumerService service) : IStateReader
{
    public bool TryGetValue<T>(
        string state, string partitionKey, out StateReading<T> reading, string? processor = null, UInt128? explicitHashKey = null)
    {
        reading = Read<NoSubKey, T>(
            new StateShape(state, StateKind.Value, null, typeof(T)), partitionKey, default, processor, explicitHashKey);
        return reading.IsFound;
    }

    public bool TryGetEntry<TSubKey, T>(
        string state,
        string partitionKey,
        TSubKey subKey,
        out StateReading<T> reading,
        string? processor = null,
        UInt128? explicitHashKey = null)
        where TSubKey : notnull
    {
        ArgumentNullException.ThrowIfNull(subKey);
        reading = Read<TSubKey, T>(
            new StateShape(state, StateKind.Map, typeof(TSubKey), typeof(T)), partitionKey, subKey, processor, explicitHashKey);
        return reading.IsFound;
    }

    public bool TryGetList<T>(
        string state,
        string partitionKey,
        out StateReading<IReadOnlyList<T>> reading,
        string? processor = null,
        UInt128? explicitHashKey = null)
    {
        StateReading<ListCells<T>> list = Read<NoSubKey, ListCells<T>>(
            new StateShape(state, StateKind.List, null, typeof(T)), partitionKey, default, processor, explicitHashKey);
        reading = new StateReading<IReadOnlyList<T>>
        {
            Status = list.Status,
            Value = list.IsFound ? Array.AsReadOnly(list.Value.Items.AsSpan(0, list.Value.Count).ToArray()) : null,
            ShardId = list.ShardId,
            WorkerId = list.WorkerId,
            AsOf = list.AsOf,
        };
        return reading.IsFound;
    }

    private StateReading<T> Read<TSub, T>(
        StateShape wanted, string partitionKey, TSub sub, string? processorName, UInt128? explicitHashKey)
        where TSub : notnull
    {
        ArgumentException.ThrowIfNullOrEmpty(wanted.Name, "state");
        ArgumentException.ThrowIfNullOrEmpty(partitionKey);
        string processor = Choose(processorName);
        if (service.States.TryGetValue(processor, out IReadOnlyList<StateShape>? states))
        {
            Find(processor, states, wanted);
        }

        StreamWorker worker = service.Workers.FirstOrDefault(worker => worker.ProcessorName == processor)
            ?? throw new InvalidOperationException($"{consumer.Described} has not started yet.");
        byte[] key = Encoding.UTF8.GetBytes(partitionKey);
        HeldState held = worker.FindState(explicitHashKey ?? HashKeys.Of(key));
        var reading = new StateReading<T> { ShardId = held.ShardId, WorkerId = held.WorkerId };
        if (held.State is null)
        {
            return reading with
            {
                Status = held.WorkerId is null ? StateReadStatus.Unowned
                    : held.IsHere ? StateReadStatus.NotReady
                    : StateReadStatus.Elsewhere,
            };
        }

        bool isFound = held.State.TryRead(
            Find(processor, held.State.Shapes, wanted), key, sub, out T? value, out StateAsOf? cut);
        return reading with
        {
            Status = cut is null ? StateReadStatus.NotReady : isFound ? StateReadStatus.Found : StateReadStatus.Absent,
            Value = value,
            AsOf = cut,
        };
    }

    /// <summary>The processor that is meant.</summary>
    private string Choose(string? processor)
    {
        string[] withState = [.. consumer.Processors.Where(static one => one.StateVersion > 0)
            .Select(static one => one.Name)];
        string choices = withState.Length == 0
            ? $"No processor of {consumer.Described} keeps state ([State])."
            : $"Those of {consumer.Described} that keep state are {string.Join(", ", withState.Select(static one => $"'{one}'"))}.";
        if (processor is not null)
        {
            return withState.Contains(processor, StringComparer.Ordinal) ? processor
                : throw new ArgumentException(
                    consumer.Processors.Any(one => one.Name == processor)
                        ? $"Processor '{processor}' keeps no state ([State]), so there is nothing to read. {choices}"
                        : $"{consumer.Described} has no processor '{processor}'. {choices}",
                    nameof(processor));
        }

        return withState.Length == 1 ? withState[0]
            : throw new ArgumentException(
                withState.Length == 0
                    ? $"{choices} Add one with AddProcessor<T>(), or read from the consumer that has it."
                    : $"{choices} Say which one is meant, such as processor: nameof({withState[0]}).",
                nameof(processor));
    }

    /// <summary>The number of the state that is meant; it must be what the caller says.</summary>
    private static int Find(string processor, IReadOnlyList<StateShape> states, StateShape state)
    {
        for (int i = 0; i < states.Count; i++)
        {
            if (states[i].Name == state.Name)
            {
                return states[i] == state ? i : throw new ArgumentException(
                    $"State '{state.Name}' of {processor} is a {Describe(states[i])}, and was read as a {Describe(state)}. Read it "
                        + $"with {Call(states[i])}.",
                    nameof(state));
            }
        }

        throw new ArgumentException(
            $"{processor} has no state '{state.Name}', only {string.Join(", ", states.Select(static one => $"'{one.Name}'"))}. Use "
                + "the name in its [State].",
            nameof(state));
    }

    private static string Describe(StateShape state) => state.Kind switch
    {
        StateKind.Map => $"KeyedMap<{state.SubKey!.Name}, {state.Value.Name}>",
        StateKind.List => $"KeyedList<{state.Value.Name}>",
        _ => $"KeyedState<{state.Value.Name}>",
    };

    private static string Call(StateShape state) => state.Kind switch
    {
        StateKind.Map => $"TryGetEntry<{state.SubKey!.Name}, {state.Value.Name}>",
        StateKind.List => $"TryGetList<{state.Value.Name}>",
        _ => $"TryGetValue<{state.Value.Name}>",
    };
}

/// <summary>The shard that a hash key belongs to.</summary>
/// <param name="ShardId">The shard; null where it is not known.</param>
/// <param name="WorkerId">The worker that holds it, or takes it now; null for nobody.</param>
/// <param name="IsHere">True where that is the worker that was asked.</param>
/// <param name="State">Its state; null where it is not held here, or not there.</param>
internal readonly record struct HeldState(string? ShardId, string? WorkerId, bool IsHere, ProcessorState? State);
