namespace FastConsumer.DynamoDb;

/// <summary>What to do at start about the lease table.</summary>
public enum LeaseTableMode
{
    /// <summary>Create it where it is missing, with on-demand billing, and wait until it is active.</summary>
    Create,

    /// <summary>It must be there; a missing one is an error at start. Needs no permission to create tables.</summary>
    Require,
}
