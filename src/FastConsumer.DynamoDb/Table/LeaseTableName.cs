namespace FastConsumer.DynamoDb;

/// <summary>What DynamoDB accepts as a table: a name, or an ARN.</summary>
internal static class LeaseTableName
{
    public const string Rule = "3 to 255 of letters, digits, '_', '-' and '.', or an ARN, are expected";

    public static bool IsValid(string tableName) =>
        (tableName.StartsWith("arn:", StringComparison.Ordinal) && tableName.Contains(":table/", StringComparison.Ordinal))
        || (tableName.Length is >= 3 and <= 255 && tableName.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.'));
}
