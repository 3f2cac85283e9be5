namespace FastConsumer.Checkpoints;

/// <summary>
/// The number of a checkpoint of one shard with state. Later checkpoints of a row's life compare greater, whoever took them. Counters begin
/// again in a new table and in a row that was made anew, so lineage and life belong to it.
/// </summary>
/// <param name="Lineage"><see cref="Leases.Lease.Lineage"/>: of the table, and of the row's life.</param>
/// <param name="Epoch">The fencing token of the owner that took it.</param>
/// <param name="Number">Counts from 1 inside the epoch. No owner begins again under the same epoch.</param>
internal readonly record struct CheckpointId(string Lineage, long Epoch, long Number)
{
    /// <summary>The next checkpoint of the same owner.</summary>
    public CheckpointId Next() => this with { Number = Number + 1 };
}
