namespace FastConsumer.State;

/// <summary>One output of a shard's processor: what its buffers share.</summary>
/// <param name="Name">Its name.</param>
/// <param name="ValueType">The values' type.</param>
internal abstract record OutputFeed(string Name, Type ValueType)
{
    /// <summary>Called by a lane, outside of the gate, when something waits where nothing did.</summary>
    public Action? Come { get; set; }
}

/// <summary>
/// The values of one output that one stripe's lane has: those of the attempt, and those of calls that have succeeded, which wait for the
/// sink.
/// </summary>
internal abstract class OutputBuffer(OutputFeed feed)
{
    public OutputFeed Feed => feed;

    /// <summary>How many values wait. Any thread may ask.</summary>
    public abstract int Waiting { get; }

    /// <summary>How many values the call has added, with those that earlier calls of its batch have.</summary>
    /// <param name="batch">The batch; null for a record that is handled alone.</param>
    public abstract int AddedIn(object? batch);

    /// <summary>The call has succeeded; inside of the gate. True where nothing waited before.</summary>
    public abstract bool Apply();

    /// <summary>The call has failed.</summary>
    public abstract void Discard();

    /// <summary>Puts what waits behind other values of the output; while the gate is closed.</summary>
    public abstract void MoveTo(OutputValues values);

    /// <summary>Makes an empty list for <see cref="MoveTo"/>.</summary>
    public abstract OutputValues CreateValues();
}

/// <summary>Values of one output that were cut off together, in the order of each key's records.</summary>
internal abstract class OutputValues
{
    public abstract int Count { get; }

    /// <summary>The values, each as a <see cref="Positioned{T}"/>.</summary>
    public abstract IEnumerable<object> Boxed { get; }
}
