using Amazon.DynamoDBv2.Model;

namespace FastConsumer.DynamoDb;

/// <summary>
/// Collects what a transaction of DynamoDB's writes. <see cref="DynamoDbPositionStore"/> begins it, and sends its items together with the
/// position of the shard: all of them are written, or none. Nothing is sent before. Thread-safe.
/// </summary>
public sealed class DynamoDbTransaction
{
    /// <summary>The most items of one transaction: DynamoDB takes 100, and one of them is the position.</summary>
    public const int MaxItems = 99;

    private readonly Lock _lock = new();
    private readonly List<TransactWriteItem> _items = [];
    private bool _isOver;

    internal DynamoDbTransaction(DynamoDbPositionStore store) => Store = store;

    /// <summary>How many items were added.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _items.Count;
            }
        }
    }

    internal DynamoDbPositionStore Store { get; }

    /// <summary>Adds an item. Two items of one transaction cannot write the same item of a table: DynamoDB refuses both.</summary>
    /// <remarks>
    /// A writer of outputs adds exactly one item for each value, in their order: the item that DynamoDB refuses tells which value is left
    /// out where a rule says so.
    /// </remarks>
    /// <param name="item">What to write: a Put, an Update, a Delete, or a ConditionCheck. It must not be changed any more.</param>
    /// <exception cref="ArgumentException">The item has none of the four, or several.</exception>
    /// <exception cref="InvalidOperationException">
    /// The transaction has <see cref="MaxItems"/> items, or it was committed or ended.
    /// </exception>
    public void Add(TransactWriteItem item)
    {
        ArgumentNullException.ThrowIfNull(item);
        int actions = (item.Put is null ? 0 : 1) + (item.Update is null ? 0 : 1) + (item.Delete is null ? 0 : 1)
            + (item.ConditionCheck is null ? 0 : 1);
        if (actions != 1)
        {
            throw new ArgumentException(
                $"The item has {actions} of Put, Update, Delete and ConditionCheck. Set one of them, and add an item for each.",
                nameof(item));
        }

        lock (_lock)
        {
            ThrowIfOver();
            if (_items.Count == MaxItems)
            {
                throw new InvalidOperationException(
                    $"This is item {MaxItems + 1} of the transaction, which takes {MaxItems}: DynamoDB's limit is {MaxItems + 1}, and the "
                    + "position of the shard is one of them. Add fewer items to one transaction.");
            }

            _items.Add(item);
        }
    }

    /// <summary>Ends the transaction; its items are to be sent.</summary>
    internal List<TransactWriteItem> Close()
    {
        lock (_lock)
        {
            ThrowIfOver();
            _isOver = true;
            return _items;
        }
    }

    internal void End()
    {
        lock (_lock)
        {
            _isOver = true;
        }
    }

    private void ThrowIfOver()
    {
        if (_isOver)
        {
            throw new InvalidOperationException(
                "The transaction is over: its call has ended, and was committed or given up. Take the one that the call is given.");
        }
    }
}
