using System.Globalization;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>Between DynamoDB's items and rows of a store.</summary>
internal static class AttributeValues
{
    /// <summary>The lease that an item holds; null where it holds none.</summary>
    public static Lease? ToLease(Dictionary<string, AttributeValue>? item)
    {
        if (item?.GetValueOrDefault(Lease.Names.LeaseKey)?.S is not { Length: > 0 } leaseKey)
        {
            return null;
        }

        Dictionary<string, Lease.Value> row = ToRow(item);
        return Lease.IsLease(leaseKey, row) ? Lease.Read(leaseKey, row) : null;
    }

    public static Dictionary<string, Lease.Value> ToRow(Dictionary<string, AttributeValue> item) =>
        item.ToDictionary(static pair => pair.Key, static pair => ToValue(pair.Value), StringComparer.Ordinal);

    public static Dictionary<string, AttributeValue> ToItem(IReadOnlyDictionary<string, Lease.Value> row) =>
        row.ToDictionary(static pair => pair.Key, static pair => ToAttributeValue(pair.Value), StringComparer.Ordinal);

    public static Dictionary<string, AttributeValue> Key(string leaseKey) =>
        new(StringComparer.Ordinal) { [Lease.Names.LeaseKey] = new AttributeValue(leaseKey) };

    public static AttributeValue ToAttributeValue(Lease.Value value) => value switch
    {
        { Type: Lease.Value.Kind.Text } => new AttributeValue { S = value.Text },
        { Type: Lease.Value.Kind.Number } => new AttributeValue { N = value.Text },
        { Type: Lease.Value.Kind.StringSet } => new AttributeValue { SS = [.. value.Strings!] },
        { Type: Lease.Value.Kind.Binary } => new AttributeValue { B = new MemoryStream(value.Bytes.ToArray()) },
        { Type: Lease.Value.Kind.Boolean } => new AttributeValue { BOOL = value.Boolean },
        { Content: OtherValue other } => other.Value,
        _ => throw new ArgumentException($"'{value}' is no value of DynamoDB's."),
    };

    private static Lease.Value ToValue(AttributeValue value) => value switch
    {
        { S: { } text } => text,
        { N: { } number } => Lease.Value.FromNumber(number),
        { SS: { } strings } => Lease.Value.FromStrings(strings),
        { B: { } bytes } => Lease.Value.FromBytes(bytes.ToArray()),
        { BOOL: { } boolean } => Lease.Value.FromBoolean(boolean),
        _ => Lease.Value.FromOther(new OtherValue(value)),
    };

    /// <summary>All that a value holds, in one order, for comparisons.</summary>
    public static string ToText(AttributeValue value) =>
        value.S ?? value.N
        ?? (value.B is { } bytes ? Convert.ToBase64String(bytes.ToArray())
        : value.M is { } map ? $"{{{ToText(map)}}}"
        : value.L is { } list ? $"[{string.Join(',', list.Select(ToText))}]"
        : value.SS is { } texts ? string.Join(',', texts.Order(StringComparer.Ordinal))
        : value.NS is { } numbers ? string.Join(',', numbers.Order(StringComparer.Ordinal))
        : value.BS is { } binaries
            ? string.Join(',', binaries.Select(static binary => Convert.ToBase64String(binary.ToArray())).Order(StringComparer.Ordinal))
        : string.Create(CultureInfo.InvariantCulture, $"{value.BOOL}"));

    /// <inheritdoc cref="ToText(AttributeValue)"/>
    public static string ToText(Dictionary<string, AttributeValue> item) =>
        string.Join(
            '\n', item.OrderBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => $"{pair.Key}={ToText(pair.Value)}"));

    /// <summary>A list, a map or a rare set: kept, and equal by content.</summary>
    private sealed record OtherValue(AttributeValue Value)
    {
        public bool Equals(OtherValue? other) => other is not null && ToString() == other.ToString();

        public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(ToString());

        public override string ToString() => ToText(Value);
    }
}
