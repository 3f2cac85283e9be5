namespace FastConsumer.Testing.Positions;

/// <summary>
/// What handlers of tests take in place of a database's transaction: it stages actions, which an <see cref="InMemoryPositionStore"/> runs
/// together with the move of the position, or never. Not thread-safe, as transactions are not.
/// </summary>
public sealed class InMemoryTransaction
{
    private readonly List<Action> _actions = [];
    private bool _isOver;

    internal InMemoryTransaction(InMemoryPositionStore store) => Store = store;

    internal InMemoryPositionStore Store { get; }

    /// <summary>
    /// Stages an effect. It runs when the transaction is committed, in the order of staging, while no other transaction of the database
    /// does: effects on one place need no lock of their own. It must not throw, and must not use the database.
    /// </summary>
    /// <param name="apply">The effect.</param>
    /// <exception cref="InvalidOperationException">The transaction was committed or rolled back.</exception>
    public void Add(Action apply)
    {
        ArgumentNullException.ThrowIfNull(apply);
        RequireOpen();
        _actions.Add(apply);
    }

    internal void RequireOpen()
    {
        if (_isOver)
        {
            throw new InvalidOperationException(
                "The transaction is over: its call has ended, and was committed or rolled back. Take the one that the call is given.");
        }
    }

    internal void Apply()
    {
        _isOver = true;
        foreach (Action action in _actions)
        {
            action();
        }
    }

    internal void End() => _isOver = true;
}
