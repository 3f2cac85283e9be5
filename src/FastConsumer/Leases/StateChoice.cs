namespace FastConsumer.Leases;

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
