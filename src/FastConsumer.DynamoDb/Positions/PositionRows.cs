using System.Globalization;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;

namespace FastConsumer.DynamoDb;

/// <summary>Positions as items of a table, and what is asked of them.</summary>
internal static class PositionRows
{
    /// <summary>The partition key: application and stream's ARN, so that a query finds all shards, and all streams of that name.</summary>
    public const string Stream = "stream";

    /// <summary>The sort key: the stream's creation and the shard's id.</summary>
    public const string Shard = "shard";

    public const string Epoch = "epoch";
    public const string Number = "number";
    public const string SequenceNumber = "sequence_number";
    public const string SubSequenceNumber = "sub_sequence_number";
    public const string Runs = "runs";
    public const string Lineage = "lineage";

    private const char Separator = '/';

    /// <summary>
    /// The first separator ends the application, in which there is none: what stands behind it needs no escapes to stay apart.
    /// </summary>
    public static string StreamOf(string application, string streamArn) =>
        $"{application.Replace("%", "%25", StringComparison.Ordinal).Replace("/", "%2F", StringComparison.Ordinal)}{Separator}{streamArn}";

    public static string ShardOf(PositionKey key) =>
        string.Create(CultureInfo.InvariantCulture, $"{key.StreamCreated.UtcDateTime:O}{Separator}{key.ShardId}");

    public static Dictionary<string, AttributeValue> KeyOf(PositionKey key) => new(StringComparer.Ordinal)
    {
        [Stream] = new AttributeValue { S = StreamOf(key.Application, key.StreamArn) },
        [Shard] = new AttributeValue { S = ShardOf(key) },
    };

    /// <exception cref="FormatException">It is none of a row's.</exception>
    public static PositionKey ParseKey(string application, string streamArn, Dictionary<string, AttributeValue> item)
    {
        string text = item.GetValueOrDefault(Shard)?.S ?? "";
        int separator = text.IndexOf(Separator, StringComparison.Ordinal);
        if (separator < 0 || !DateTimeOffset.TryParseExact(
            text.AsSpan(0, separator), "O", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset created))
        {
            throw new FormatException($"its key '{text}' is not a time and a shard, such as '2026-01-31T10:00:00.0000000Z/shardId-0'.");
        }

        return new PositionKey(application, streamArn, created, text[(separator + 1)..]);
    }

    /// <exception cref="FormatException">An attribute has another value than a row's.</exception>
    public static StoredPosition Parse(Dictionary<string, AttributeValue> item)
    {
        CheckpointPosition? position = null;
        if (TextOf(item, SequenceNumber) is { } sequenceNumber)
        {
            long subSequenceNumber = item.ContainsKey(SubSequenceNumber) ? NumberOf(item, SubSequenceNumber) : 0;
            try
            {
                position = CheckpointPosition.Parse(sequenceNumber, subSequenceNumber);
            }
            catch (FormatException exception)
            {
                throw new FormatException(
                    $"its {SequenceNumber} is '{sequenceNumber}' and its {SubSequenceNumber} is {subSequenceNumber}: {exception.Message}",
                    exception);
            }
        }

        return new StoredPosition(NumberOf(item, Epoch), NumberOf(item, Number), position)
        {
            Runs = TextOf(item, Runs),
            Lineage = TextOf(item, Lineage),
        };
    }

    /// <summary>A row with this epoch where there is none; a higher epoch where the row's is lower.</summary>
    public static PositionWrite SetEpoch(long epoch)
    {
        var write = new PositionWrite();
        write.Set(Epoch, Integer(epoch));
        string former = write.Name(Number);
        write.Assign(Number, $"if_not_exists({former}, {write.Value(Integer(0))})");
        write.Condition =
            $"attribute_not_exists({write.Name(Stream)}) OR {write.Name(Epoch)} <= {write.Value(Integer(epoch))}";
        return write;
    }

    /// <summary>A row where there is none.</summary>
    public static PositionWrite Create(StoredPosition row)
    {
        PositionWrite write = Whole(row, row.Number);
        write.Set(Epoch, Integer(row.Epoch));
        write.Condition = $"attribute_not_exists({write.Name(Stream)})";
        return write;
    }

    /// <summary>A row in place of the one with an epoch and number.</summary>
    public static PositionWrite Replace(StoredPosition former, StoredPosition next)
    {
        PositionWrite write = Move(former, next);
        write.Set(Epoch, Integer(next.Epoch));
        return write;
    }

    /// <summary>The same, and the epoch stays.</summary>
    public static PositionWrite Move(StoredPosition former, StoredPosition next)
    {
        PositionWrite write = Whole(next, former.Number + 1);
        write.Condition = $"{write.Name(Epoch)} = {write.Value(Integer(former.Epoch))}"
            + $" AND {write.Name(Number)} = {write.Value(Integer(former.Number))}";
        return write;
    }

    private static PositionWrite Whole(StoredPosition row, long number)
    {
        var write = new PositionWrite();
        write.Set(Number, Integer(number));
        write.SetOrRemove(SequenceNumber, Text(row.Position?.ToCheckpointString()));
        write.SetOrRemove(SubSequenceNumber, row.Position is { } position ? Integer(position.SubSequenceNumber) : null);
        write.SetOrRemove(Runs, Text(row.Runs));
        write.SetOrRemove(Lineage, Text(row.Lineage));
        return write;
    }

    private static AttributeValue Integer(long value) => new() { N = value.ToString(CultureInfo.InvariantCulture) };

    private static AttributeValue? Text(string? value) => value is null ? null : new AttributeValue { S = value };

    private static string? TextOf(Dictionary<string, AttributeValue> item, string name)
    {
        if (!item.TryGetValue(name, out AttributeValue? value))
        {
            return null;
        }

        return value.S ?? throw new FormatException($"its {name} is {AttributeValues.ToText(value)}, which is no string.");
    }

    private static long NumberOf(Dictionary<string, AttributeValue> item, string name)
    {
        if (!item.TryGetValue(name, out AttributeValue? value))
        {
            throw new FormatException($"it has no {name}.");
        }

        return long.TryParse(value.N, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new FormatException($"its {name} is {AttributeValues.ToText(value)}, which is no whole number of 64 bits.");
    }
}

/// <summary>A conditional write of one row. It never deletes one.</summary>
internal sealed class PositionWrite
{
    private readonly List<string> _assignments = [];
    private readonly List<string> _removals = [];
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AttributeValue> _values = new(StringComparer.Ordinal);

    public string Condition { get; set; } = "";

    private string Expression =>
        $"SET {string.Join(", ", _assignments)}{(_removals.Count > 0 ? $" REMOVE {string.Join(", ", _removals)}" : "")}";

    /// <summary>A placeholder: some names are reserved words.</summary>
    public string Name(string attribute)
    {
        string placeholder = $"#{attribute}";
        _names[placeholder] = attribute;
        return placeholder;
    }

    public string Value(AttributeValue value)
    {
        string placeholder = $":v{_values.Count}";
        _values[placeholder] = value;
        return placeholder;
    }

    public void Set(string attribute, AttributeValue value) => Assign(attribute, Value(value));

    public void SetOrRemove(string attribute, AttributeValue? value)
    {
        if (value is null)
        {
            _removals.Add(Name(attribute));
        }
        else
        {
            Set(attribute, value);
        }
    }

    public void Assign(string attribute, string operand) => _assignments.Add($"{Name(attribute)} = {operand}");

    public UpdateItemRequest ToRequest(string table, PositionKey key) => new()
    {
        TableName = table,
        Key = PositionRows.KeyOf(key),
        UpdateExpression = Expression,
        ConditionExpression = Condition,
        ExpressionAttributeNames = _names,
        ExpressionAttributeValues = _values,
        ReturnValues = ReturnValue.ALL_NEW,
        // free, and saves reading the row back
        ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure.ALL_OLD,
    };

    public TransactWriteItem ToItem(string table, PositionKey key) => new()
    {
        Update = new Update
        {
            TableName = table,
            Key = PositionRows.KeyOf(key),
            UpdateExpression = Expression,
            ConditionExpression = Condition,
            ExpressionAttributeNames = _names,
            ExpressionAttributeValues = _values,
        },
    };
}
