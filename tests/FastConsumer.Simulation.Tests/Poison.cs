namespace FastConsumer.Simulation.Tests;

/// <summary>Records on which handlers always fail.</summary>
/// <param name="Numbers">Their numbers, in the order in which they were put.</param>
/// <param name="Stops">True where the error policy stops a shard at them; else they are tried again for ever.</param>
internal sealed record Poison(IReadOnlySet<int> Numbers, bool Stops)
{
    public Poison(IEnumerable<int> numbers, bool stops)
        : this(new HashSet<int>(numbers), stops)
    {
    }

    /// <summary>What the handler throws; null where it can do the record.</summary>
    public PoisonException? Of(KinesisRecord record)
    {
        int number = BitConverter.ToInt32(record.DataSpan);
        bool isThrownAtOnce = number % 2 == 0;
        return !Numbers.Contains(number) ? null : Stops ? new PoisonStopsException(isThrownAtOnce) : new PoisonException(isThrownAtOnce);
    }

    public override string ToString() => $"{string.Join(", ", Numbers.Order())}{(Stops ? " (stop)" : "")}";
}

/// <summary>The handler can never do the record. Without a rule, so that it is tried for ever.</summary>
internal class PoisonException(bool isThrownAtOnce) : Exception("The handler can never do this record.")
{
    /// <summary>Before anything is waited for; of a batch, for all of it.</summary>
    public bool IsThrownAtOnce => isThrownAtOnce;
}

/// <summary>The same, with a rule that stops the shard.</summary>
internal sealed class PoisonStopsException(bool isThrownAtOnce) : PoisonException(isThrownAtOnce);
