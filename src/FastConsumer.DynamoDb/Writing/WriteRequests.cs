using System.Collections.Frozen;
using System.Text;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>Writes of rows as DynamoDB's requests: one translation, to an UpdateItem or to a PartiQL statement.</summary>
internal static class WriteRequests
{
    /// <summary>Names that need no quotes in any dialect of PartiQL; ours begin with <c>fastConsumer</c> or <c>fc</c>.</summary>
    private static readonly FrozenSet<string> s_plain = FrozenSet.ToFrozenSet(
        [
            Lease.Names.LeaseCounter, Lease.Names.LeaseOwner, Lease.Names.CheckpointOwner, Lease.Names.OwnerSwitchesSinceCheckpoint,
            Lease.Names.Checkpoint, Lease.Names.CheckpointSubSequenceNumber, Lease.Names.PendingCheckpoint,
            Lease.Names.PendingCheckpointSubSequenceNumber, Lease.Names.PendingCheckpointState, Lease.Names.ParentShardIds,
            Lease.Names.ChildShardIds, Lease.Names.StartingHashKey, Lease.Names.EndingHashKey, Lease.Names.EntityType,
        ],
        StringComparer.Ordinal);

    /// <summary>
    /// True where a write is one statement in every dialect: values set with commas between them, and nothing removed. DynamoDB wants
    /// several
    /// REMOVEs each with its word, and other servers one with commas.
    /// </summary>
    public static bool SuitsStatement(LeaseWrite write) =>
        write.Remove.Count == 0 && write.Set.Keys.All(IsPlain) && write.If.Keys.All(IsPlain);

    public static BatchStatementRequest Statement(string table, LeaseWrite write)
    {
        var statement = new StringBuilder($"UPDATE \"{table}\" SET ");
        List<AttributeValue> parameters = [];
        statement.AppendJoin(", ", write.Set.Select(set => $"{set.Key} = {Parameter(set.Value)}"));
        statement.Append($" WHERE {Lease.Names.LeaseKey} = {Parameter(write.LeaseKey)}");
        foreach ((string name, Lease.Value? value) in write.If)
        {
            statement.Append(value is { } known ? $" AND {name} = {Parameter(known)}" : $" AND {name} IS MISSING");
        }

        return new BatchStatementRequest
        {
            Statement = statement.ToString(),
            Parameters = parameters,
            ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure.ALL_OLD,
        };

        string Parameter(Lease.Value value)
        {
            parameters.Add(AttributeValues.ToAttributeValue(value));
            return "?";
        }
    }

    public static UpdateItemRequest Update(string table, LeaseWrite write)
    {
        var expression = new Expression();
        var update = new StringBuilder();
        if (write.Set.Count > 0)
        {
            update.Append("SET ").AppendJoin(", ", write.Set.Select(set => $"{expression.Name(set.Key)} = {expression.Value(set.Value)}"));
        }

        if (write.Remove.Count > 0)
        {
            update.Append(" REMOVE ").AppendJoin(", ", write.Remove.Select(expression.Name));
        }

        return new UpdateItemRequest
        {
            TableName = table,
            Key = AttributeValues.Key(write.LeaseKey),
            UpdateExpression = update.ToString().Trim(),
            ConditionExpression = expression.Condition(write.If),
            ExpressionAttributeNames = expression.Names,
            ExpressionAttributeValues = expression.Values.Count == 0 ? null : expression.Values,
            ReturnValues = ReturnValue.ALL_NEW,
            ReturnConsumedCapacity = ReturnConsumedCapacity.TOTAL,
            // free, and saves reading the row back
            ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure.ALL_OLD,
        };
    }

    public static PutItemRequest Create(string table, Lease lease) => new()
    {
        TableName = table,
        Item = AttributeValues.ToItem(lease.ToAttributes()),
        ConditionExpression = $"attribute_not_exists({Lease.Names.LeaseKey})",
        ReturnConsumedCapacity = ReturnConsumedCapacity.TOTAL,
        ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure.ALL_OLD,
    };

    /// <summary>The same, while other rows are there: <c>dynamodb:ConditionCheckItem</c> has to be allowed for it.</summary>
    public static TransactWriteItemsRequest Create(string table, Lease lease, IReadOnlyList<string> whileThere) => new()
    {
        TransactItems =
        [
            new TransactWriteItem
            {
                Put = new Put
                {
                    TableName = table,
                    Item = AttributeValues.ToItem(lease.ToAttributes()),
                    ConditionExpression = $"attribute_not_exists({Lease.Names.LeaseKey})",
                    ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure.ALL_OLD,
                },
            },
            .. whileThere.Select(key => new TransactWriteItem
            {
                ConditionCheck = new ConditionCheck
                {
                    TableName = table,
                    Key = AttributeValues.Key(key),
                    ConditionExpression = $"attribute_exists({Lease.Names.LeaseKey})",
                },
            }),
        ],
        ReturnConsumedCapacity = ReturnConsumedCapacity.TOTAL,
    };

    public static DeleteItemRequest Delete(string table, Lease observed)
    {
        var expression = new Expression();
        var condition = new Dictionary<string, Lease.Value?>(StringComparer.Ordinal)
        {
            [Lease.Names.LeaseCounter] = observed.LeaseCounter,
            [Lease.Names.LeaseOwner] = Lease.Value.Optional(observed.LeaseOwner),
            [Lease.Names.CheckpointOwner] = Lease.Value.Optional(observed.CheckpointOwner),
        };
        if (observed.Lineage is { } lineage)
        {
            // a row that was made anew has counters that were there before
            condition[Lease.Names.Lineage] = lineage;
        }

        return new DeleteItemRequest
        {
            TableName = table,
            Key = AttributeValues.Key(observed.LeaseKey),
            ConditionExpression = expression.Condition(condition),
            ExpressionAttributeNames = expression.Names,
            ExpressionAttributeValues = expression.Values,
            ReturnConsumedCapacity = ReturnConsumedCapacity.TOTAL,
            ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure.ALL_OLD,
        };
    }

    private static bool IsPlain(string name) =>
        s_plain.Contains(name)
        || ((name.StartsWith("fastConsumer", StringComparison.Ordinal) || name.StartsWith("fc", StringComparison.Ordinal))
            && name.All(char.IsAsciiLetterOrDigit));

    /// <summary>Placeholders for the names and values of one request.</summary>
    private sealed class Expression
    {
        public Dictionary<string, string> Names { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, AttributeValue> Values { get; } = new(StringComparer.Ordinal);

        public string Name(string attribute)
        {
            string placeholder = Names.FirstOrDefault(pair => pair.Value == attribute).Key ?? $"#n{Names.Count}";
            Names[placeholder] = attribute;
            return placeholder;
        }

        public string Value(Lease.Value value)
        {
            string placeholder = $":v{Values.Count}";
            Values[placeholder] = AttributeValues.ToAttributeValue(value);
            return placeholder;
        }

        /// <summary>The row exists and is as the condition says.</summary>
        public string Condition(IReadOnlyDictionary<string, Lease.Value?> condition) => string.Join(
            " AND ",
            condition
                .Select(pair => pair.Value is { } value ? $"{Name(pair.Key)} = {Value(value)}" : $"attribute_not_exists({Name(pair.Key)})")
                .Prepend($"attribute_exists({Name(Lease.Names.LeaseKey)})"));
    }
}
