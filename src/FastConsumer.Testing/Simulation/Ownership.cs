using FastConsumer.Operators;

namespace FastConsumer.Testing.Simulation;

/// <summary>A worker's time with a shard, from a take to the next.</summary>
internal sealed class Ownership(SimulatedWorker worker, string shardId, long token, int start, TimeSpan takenAt)
{
    public SimulatedWorker Worker { get; } = worker;

    public string ShardId { get; } = shardId;

    public long Token { get; } = token;

    /// <summary>The last record that was done when it began.</summary>
    public int Start { get; } = start;

    /// <summary>False where it began at a time, not at a record.</summary>
    public bool KnowsStart { get; init; }

    public bool BeginsInOrder { get; init; }

    public int First { get; set; } = int.MaxValue;

    public int Last { get; set; } = -1;

    public Dictionary<string, int> LastOfKey { get; } = new(StringComparer.Ordinal);

    public HashSet<int> Begun { get; } = [];

    public Dictionary<int, long> Done { get; } = [];

    public int Durable { get; set; } = start;

    /// <summary>The end of the contiguous run of what it has done.</summary>
    public int Contiguous { get; private set; } = start + 1;

    public TimeSpan RenewedAt { get; set; } = takenAt;

    public bool IsReleased { get; set; }

    /// <summary>The world's time of the take.</summary>
    public long TakenAt { get; init; }

    /// <summary>When an operator has taken the lease away; null where none has.</summary>
    public long? TakenAwayAt { get; set; }

    /// <summary>
    /// The pause that held when it was taken, and what has been set in its place since, null for a resume; empty where none held.
    /// </summary>
    public List<ShardPause?> Pauses { get; } = [];

    /// <summary>The command that it may carry out; null for none.</summary>
    public OperatorCommand? Command { get; set; }

    /// <summary>The record that it may leave out by that; -1 for none.</summary>
    public int Decided { get; set; } = -1;

    /// <summary>The record that it has left out, by a decision that is durable; -1 for none.</summary>
    public int LeftOut { get; set; } = -1;

    public bool IsAhead(int index) => index > Start;

    public void Advance()
    {
        if (!KnowsStart && !BeginsInOrder && Durable < 0)
        {
            // what stands before the first that was begun may come yet, in another lane
            return;
        }

        Contiguous = Math.Max(Contiguous, Durable + 1);
        if (!KnowsStart && First > Contiguous && Done.ContainsKey(First))
        {
            // what stands before the first that it began is not its own to do
            Contiguous = First;
        }

        while (Done.ContainsKey(Contiguous))
        {
            Contiguous++;
        }
    }
}
