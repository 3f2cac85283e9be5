using FastConsumer.State;

namespace FastConsumer.Checkpoints;

/// <summary>Where the outputs of a consumer's processors go.</summary>
/// <param name="routes">Those that were registered.</param>
/// <param name="others">Makes the route of an output that was not; null where that is a mistake.</param>
internal sealed class OutputRoutes(IReadOnlyList<OutputRoute> routes, Func<OutputFeed, OutputRoute>? others = null)
{
    public static OutputRoutes None { get; } = new([]);

    /// <summary>The stores of the positions that outputs move.</summary>
    public IEnumerable<IPositionStore> Stores => routes.Select(static route => route.Store).OfType<IPositionStore>().Distinct();

    /// <summary>Finds the route of each output of a processor.</summary>
    /// <exception cref="InvalidOperationException">One has none, or one of another type.</exception>
    public IReadOnlyList<OutputRoute> Of(string processor, IReadOnlyList<OutputFeed> outputs) =>
        [.. outputs.Select(output => Of(processor, output))];

    private OutputRoute Of(string processor, OutputFeed output)
    {
        string type = output.ValueType.Name;
        OutputRoute route = routes.FirstOrDefault(route => route.Name == output.Name) ?? others?.Invoke(output)
            ?? throw new InvalidOperationException(
                $"The output '{output.Name}' of {processor} goes nowhere. Add its sink to the consumer: "
                    + $"AddOutput<{type}>(\"{output.Name}\").To<TSink>(), or another of its methods.");
        return route.ValueType == output.ValueType ? route : throw new InvalidOperationException(
            $"The output '{output.Name}' of {processor} has values of type {output.ValueType}, and AddOutput(\"{output.Name}\") was called "
                + $"for {route.ValueType}. Call AddOutput<{type}>(\"{output.Name}\").");
    }
}
