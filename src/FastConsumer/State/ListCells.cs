namespace FastConsumer.State;

/// <summary>
/// A list's values: what lies in front of <see cref="Count"/> never changes, so a copy of the struct is a snapshot. One copy at a time is
/// appended to; what a dropped copy has appended is written over.
/// </summary>
internal struct ListCells<T>
{
    private const int FirstCapacity = 4;

    public T[]? Items;
    public int Count;

    public void Add(T item)
    {
        if (Items is null || Count == Items.Length)
        {
            Array.Resize(ref Items, Math.Max(FirstCapacity, 2 * Count));
        }

        Items[Count++] = item;
    }
}
