namespace FastConsumer.DynamoDb;

/// <summary>Where positions are kept on DynamoDB, beside what outputs write.</summary>
public sealed class DynamoDbPositionOptions
{
    /// <summary>The default of <see cref="TableName"/>.</summary>
    public const string DefaultTableName = "fastconsumer-positions";

    /// <summary>
    /// The name or the ARN of the table of the positions, in the region and account of the tables that outputs write to. One table serves
    /// all applications and streams. It is not the table of the leases.
    /// </summary>
    public string TableName { get; set; } = DefaultTableName;

    /// <summary>
    /// Whether a missing table is created at start, with on-demand billing; on unless unset. Off, the table must be there: its partition
    /// key is <c>stream</c> and its sort key <c>shard</c>, both strings.
    /// </summary>
    public bool CreateTable { get; set; } = true;

    /// <summary>What is wrong with a value, by the property's name; nothing where all are right.</summary>
    internal IEnumerable<(string Property, string Problem)> Problems()
    {
        if (TableName is null || !LeaseTableName.IsValid(TableName))
        {
            yield return (nameof(TableName), $"'{TableName}' is not a table: {LeaseTableName.Rule}.");
        }
    }
}
