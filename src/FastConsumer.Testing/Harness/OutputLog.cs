using FastConsumer.Checkpoints;
using FastConsumer.State;
using FastConsumer.Testing.Positions;

namespace FastConsumer.Testing.Harness;

/// <summary>What a processor has put out, over restarts and crashes: each value once, as a sink with transactions has it.</summary>
internal sealed class OutputLog
{
    private readonly Lock _lock = new();
    private readonly InMemoryPositionStore _positions = new();
    private readonly Dictionary<string, List<object>> _values = new(StringComparer.Ordinal);

    public OutputRoute RouteOf(OutputFeed output) => new Route(output, this);

    public IReadOnlyList<Positioned<T>> Of<T>(string name)
    {
        lock (_lock)
        {
            return [.. (_values.GetValueOrDefault(name) ?? []).Cast<Positioned<T>>()];
        }
    }

    private void Add(string name, IEnumerable<object> values)
    {
        lock (_lock)
        {
            if (!_values.TryGetValue(name, out List<object>? all))
            {
                _values[name] = all = [];
            }

            all.AddRange(values);
        }
    }

    private sealed class Route(OutputFeed output, OutputLog log)
        : TransactionRoute<InMemoryTransaction>(output.Name, output.ValueType, log._positions)
    {
        public override Task WriteAsync(InMemoryTransaction transaction, OutputValues values, CancellationToken cancellationToken)
        {
            object[] all = [.. values.Boxed];
            transaction.Add(() => log.Add(Name, all));
            return Task.CompletedTask;
        }
    }
}
