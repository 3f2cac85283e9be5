using FastConsumer.State;

namespace FastConsumer;

/// <summary>A list for each partition key, to which values are appended. See <see cref="StateAttribute"/>.</summary>
/// <typeparam name="T">The values' type: a struct without mutable references, or an immutable class.</typeparam>
public sealed class KeyedList<T>
{
    private readonly StateAccess<NoSubKey, ListCells<T>> _access;

    internal KeyedList(StateAccess<NoSubKey, ListCells<T>> access) => _access = access;

    /// <summary>The list of a record's partition key.</summary>
    /// <param name="context">The context of the call.</param>
    /// <exception cref="InvalidOperationException">The call is over.</exception>
    public StateList<T> Of(RecordContext context) => new(_access.Of(context));

    /// <summary>The list of the partition key of one record of a batch.</summary>
    /// <param name="context">The context of the call.</param>
    /// <param name="index">The record's index in this call's batch.</param>
    /// <exception cref="InvalidOperationException">
    /// The call is over, or <see cref="BatchContext.Fail"/> has named the record.
    /// </exception>
    public StateList<T> Of(BatchContext context, int index) => new(_access.Of(context, index));
}

/// <summary>
/// The list of one partition key during one call of a handler. Reads see what the call has written; that is kept when the call has
/// succeeded, and nothing of it otherwise. Not thread-safe; may cross an <c>await</c>.
/// </summary>
/// <remarks>
/// When the call is over, each member throws <see cref="InvalidOperationException"/>. Where the stored list does not deserialize, each
/// member but <see cref="Clear"/> throws <see cref="StateUnreadableException"/>.
/// </remarks>
/// <typeparam name="T">The values' type.</typeparam>
public readonly struct StateList<T>
{
    private readonly StateCall<NoSubKey, ListCells<T>> _call;

    internal StateList(StateCall<NoSubKey, ListCells<T>> call) => _call = call;

    /// <summary>The number of values.</summary>
    public int Count => Cells.Count;

    private StateTable<NoSubKey, ListCells<T>> Table => _call.Table;

    private ListCells<T> Cells => Table.TryGet(default, out ListCells<T> cells) ? cells : default;

    /// <summary>A value by its place.</summary>
    /// <param name="index">The place, counted from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The list has no such place.</exception>
    public T this[int index]
    {
        get
        {
            ListCells<T> cells = Cells;
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)cells.Count, nameof(index));
            return cells.Items![index];
        }
    }

    /// <summary>Appends a value.</summary>
    /// <param name="value">The value; it must not be changed any more.</param>
    public void Add(T value) => Table.Edit(default).Add(value);

    /// <summary>Removes all values.</summary>
    public void Clear() => Table.Remove(default);

    /// <summary>Enumerates the values that the list has now, in order.</summary>
    public Enumerator GetEnumerator() => new(Cells);

    /// <summary>Enumerates the values of a list.</summary>
    public struct Enumerator
    {
        private readonly ListCells<T> _cells;
        private int _index;

        internal Enumerator(ListCells<T> cells)
        {
            _cells = cells;
            _index = -1;
        }

        /// <summary>The value the enumerator stands on.</summary>
        public readonly T Current => _cells.Items![_index];

        /// <summary>Goes to the next value.</summary>
        public bool MoveNext() => ++_index < _cells.Count;
    }
}
