using System.Security.Cryptography;

namespace FastConsumer.Tests.Kinesis.Wire;

/// <summary>A record as an application hands it to the Kinesis Producer Library.</summary>
internal sealed record UserRecord(string PartitionKey, byte[] Data, string? ExplicitHashKey = null);

/// <summary>Writes aggregates as the Kinesis Producer Library does, and as protobuf allows beyond that.</summary>
internal static class AggregateWriter
{
    private static ReadOnlySpan<byte> Magic => [0xF3, 0x89, 0x9A, 0xC2];

    /// <summary>Tables first, as all known producers write them.</summary>
    public static byte[] Write(params IReadOnlyList<UserRecord> records)
    {
        (List<byte[]> partitionKeys, List<byte[]> hashKeys, List<byte[]> bodies) = Fields(records, null);
        return Seal([.. partitionKeys.Concat(hashKeys).Concat(bodies).SelectMany(static field => field)]);
    }

    /// <summary>The same, with the fields of the envelope and of the records in any order, and unknown ones between them.</summary>
    public static byte[] WriteShuffled(Random random, params IReadOnlyList<UserRecord> records)
    {
        (List<byte[]> partitionKeys, List<byte[]> hashKeys, List<byte[]> bodies) = Fields(records, random);
        List<byte[]> unknown = [.. Enumerable.Range(0, random.Next(4)).Select(_ => Unknown(random))];
        Queue<byte[]>[] kinds = [new(partitionKeys), new(hashKeys), new(bodies), new(unknown)];
        var protobuf = new List<byte>();
        while (kinds.Where(static kind => kind.Count > 0).ToArray() is { Length: > 0 } left)
        {
            protobuf.AddRange(left[random.Next(left.Length)].Dequeue());
        }

        return Seal([.. protobuf]);
    }

    /// <summary>Puts magic and digest around a protobuf, whatever it is.</summary>
    public static byte[] Seal(ReadOnlySpan<byte> protobuf) => [.. Magic, .. protobuf, .. MD5.HashData(protobuf)];

    /// <summary>The protobuf of an aggregate.</summary>
    public static byte[] Unseal(byte[] aggregate) => aggregate[Magic.Length..^MD5.HashSizeInBytes];

    private static (List<byte[]> PartitionKeys, List<byte[]> HashKeys, List<byte[]> Records) Fields(
        IReadOnlyList<UserRecord> records, Random? random)
    {
        List<string> partitionKeys = [.. records.Select(static record => record.PartitionKey).Distinct()];
        List<string> hashKeys = [.. records.Select(static record => record.ExplicitHashKey).OfType<string>().Distinct()];
        return (
            [.. partitionKeys.Select(static key => new ProtobufBytes().Text(1, key).ToArray())],
            [.. hashKeys.Select(static key => new ProtobufBytes().Text(2, key).ToArray())],
            [.. records.Select(record => new ProtobufBytes().Blob(3, Record(record, partitionKeys, hashKeys, random)).ToArray())]);
    }

    private static byte[] Record(UserRecord record, List<string> partitionKeys, List<string> hashKeys, Random? random)
    {
        List<byte[]> fields = [new ProtobufBytes().Number(1, (ulong)partitionKeys.IndexOf(record.PartitionKey)).ToArray()];
        if (record.ExplicitHashKey is not null)
        {
            fields.Add(new ProtobufBytes().Number(2, (ulong)hashKeys.IndexOf(record.ExplicitHashKey)).ToArray());
        }

        fields.Add(new ProtobufBytes().Blob(3, record.Data).ToArray());
        if (random is not null)
        {
            byte[] tag = new ProtobufBytes().Text(1, "tag").Text(2, "value").ToArray();
            fields.Add(new ProtobufBytes().Blob(4, tag).ToArray());
            fields.Add(Unknown(random));
            random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(fields));
        }

        return [.. fields.SelectMany(static field => field)];
    }

    private static byte[] Unknown(Random random)
    {
        uint field = (uint)random.Next(5, 1 << 29);
        var bytes = new ProtobufBytes();
        return (random.Next(6) switch
        {
            0 => bytes.Number(field, (ulong)random.NextInt64()),
            1 => bytes.Tag(field, 1).Raw(stackalloc byte[8]),
            2 => bytes.Text(field, "unknown"),
            3 => bytes.Tag(field, 3).Text(1, "in a group").Tag(7, 3).Tag(7, 4).Tag(field, 4),
            4 => bytes.Tag(field, 5).Raw(stackalloc byte[4]),
            // a field's number with another type than it has
            _ => bytes.Tag(3, 5).Raw(stackalloc byte[4]),
        }).ToArray();
    }
}
