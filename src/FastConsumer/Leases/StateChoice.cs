namespace FastConsumer.Leases;

/// <summary>A snapshot that a shard's state goes back to.</summary>
/// <param name="Handle">What the row says of it, with the stamp of its position.</param>
/// <param name="StateVersion">The version of its values.</param>
internal sealed record EarlierSnapshot(SnapshotHandle Handle, int StateVersion);

/// <summary>What becomes of a shard's state where an operator sets its position.</summary>
internal enum StateChoice
{
    /// <summary>Nothing was said: refused where there is state.</summary>
    None,

    /// <summary>The state goes on at the new position.</summary>
    Keep,

    /// <summary>The shard begins without state at the new position.</summary>
    Drop,
}
