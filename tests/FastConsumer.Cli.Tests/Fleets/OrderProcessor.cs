using System.Collections.Concurrent;

namespace FastConsumer.Cli.Tests.Fleets;

/// <summary>What became of the orders of one test.</summary>
public sealed class Orders
{
    private readonly ConcurrentQueue<string> _handled = new();
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The orders that were handled, in their order, repeated ones too.</summary>
    public IReadOnlyCollection<string> Handled => _handled;

    /// <summary>An order that no handler takes.</summary>
    public string? Poison { get; set; }

    /// <summary>An order on which the handler hangs, whatever its token says.</summary>
    public string? Hanging { get; set; }

    public void Release() => _released.TrySetResult();

    public override string ToString() => $"{_handled.Count} handled, the last: {_handled.LastOrDefault()}";

    internal async ValueTask HandleAsync(string order)
    {
        if (order == Poison)
        {
            throw new FormatException("<script>alert('no order')</script>");
        }

        if (order == Hanging)
        {
            await _released.Task;
        }

        _handled.Enqueue(order);
    }
}

[KinesisProcessor("orders")]
[OnError(typeof(FormatException), ErrorAction.Stop)]
public sealed partial class OrderProcessor(Orders orders)
{
    [OnRecord]
    public ValueTask HandleAsync(string order) => orders.HandleAsync(order);
}
