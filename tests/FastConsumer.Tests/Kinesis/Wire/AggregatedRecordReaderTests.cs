using System.Globalization;
using System.Text;
using System.Text.Json;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis.Wire;

public class AggregatedRecordReaderTests
{
    [Fact]
    public void Reads_what_another_library_wrote()
    {
        foreach (RecordedAggregate recorded in RecordedAggregate.All())
        {
            Assert.True(Same(recorded.Records, Read(recorded.Aggregate)), recorded.Name);
        }
    }

    [Fact]
    public void The_writer_of_these_tests_writes_the_bytes_of_another_library()
    {
        foreach (RecordedAggregate recorded in RecordedAggregate.All())
        {
            Assert.True(recorded.Aggregate.AsSpan().SequenceEqual(AggregateWriter.Write(recorded.Records)), recorded.Name);
        }
    }

    [Fact]
    public void Reads_fields_in_any_order_and_passes_over_unknown_ones()
    {
        for (int seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            UserRecord[] records = Records(random, random.Next(1, 40));
            Assert.True(Same(records, Read(AggregateWriter.Write(records))), $"seed {seed}");
            Assert.True(Same(records, Read(AggregateWriter.WriteShuffled(random, records))), $"seed {seed}, shuffled");
        }
    }

    [Fact]
    public void A_repeated_field_counts_once_with_its_last_value()
    {
        byte[] record = new ProtobufBytes().Number(1, 9).Blob(3, "first"u8).Number(1, 0).Blob(3, "last"u8).ToArray();
        List<UserRecord>? read = Read(AggregateWriter.Seal(new ProtobufBytes().Blob(3, record).Text(1, "key").ToArray()));
        Assert.Equal("last", Encoding.UTF8.GetString(Assert.Single(read!).Data));
    }

    [Fact]
    public void What_is_cut_off_anywhere_is_no_aggregate()
    {
        byte[] aggregate = AggregateWriter.WriteShuffled(new Random(1), Records(new Random(1), 6));
        for (int length = 0; length < aggregate.Length; length++)
        {
            Assert.Null(Read(aggregate[..length]));
        }
    }

    [Fact]
    public void A_protobuf_that_is_cut_off_is_no_aggregate_or_one_of_fewer_records()
    {
        UserRecord[] records = [.. Records(new Random(2), 6).Select(static record => record with { ExplicitHashKey = null })];
        byte[] protobuf = AggregateWriter.Unseal(AggregateWriter.Write(records));
        int sound = 0;
        for (int length = 0; length < protobuf.Length; length++)
        {
            if (Read(AggregateWriter.Seal(protobuf.AsSpan(0, length))) is { } read)
            {
                sound++;
                Assert.True(Same(records[..read.Count], read), $"{length} bytes");
            }
        }

        Assert.Equal(records.Length - 1, sound);
    }

    [Fact]
    public void A_single_wrong_byte_is_no_aggregate()
    {
        byte[] aggregate = AggregateWriter.Write(Records(new Random(3), 5));
        for (int i = 0; i < aggregate.Length; i++)
        {
            byte[] wrong = [.. aggregate];
            wrong[i] ^= (byte)(1 << (i % 8));
            Assert.Null(Read(wrong));
        }
    }

    [Fact]
    public void Mutated_protobufs_with_a_right_digest_are_read_inside_their_bounds_or_refused()
    {
        int sound = 0;
        int refused = 0;
        for (int seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            byte[] protobuf = AggregateWriter.Unseal(AggregateWriter.WriteShuffled(random, Records(random, random.Next(1, 5))));
            for (int changes = random.Next(1, 4); changes > 0; changes--)
            {
                int position = random.Next(protobuf.Length);
                protobuf = random.Next(4) switch
                {
                    0 => [.. protobuf[..position], .. protobuf[Math.Min(protobuf.Length, position + 1)..], 0],
                    1 => [.. protobuf[..position], (byte)random.Next(256), .. protobuf[position..]],
                    2 => [.. protobuf[..position], 0xFF, .. protobuf[(position + 1)..]],
                    _ => [.. protobuf[..position], (byte)(protobuf[position] ^ (1 << random.Next(8))), .. protobuf[(position + 1)..]],
                };
            }

            _ = Read(AggregateWriter.Seal(protobuf)) is null ? refused++ : sound++;
        }

        Assert.True(sound > 1000 && refused > 1000, $"{sound} were read, {refused} refused: the mutations do not try both ways.");
    }

    [Fact]
    public void Chance_bytes_with_a_right_digest_do_no_harm()
    {
        for (int seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            byte[] bytes = new byte[random.Next(40)];
            random.NextBytes(bytes);
            // mostly tags and lengths that mean something
            bytes = [.. bytes.Select(static b => b > 0xE0 ? b : (byte)(b & 0x1B))];
            Read(AggregateWriter.Seal(bytes));
        }
    }

    [Fact]
    public void What_breaks_the_format_is_no_aggregate()
    {
        byte[] sound = new ProtobufBytes().Number(1, 0).Blob(3, "data"u8).ToArray();
        Refuse("no records", new ProtobufBytes().Text(1, "key"));
        Refuse("empty", new ProtobufBytes());
        Refuse("no partition key index", Around(new ProtobufBytes().Blob(3, "data"u8)));
        Refuse("no data", Around(new ProtobufBytes().Number(1, 0)));
        Refuse("partition key index out of the table", Around(new ProtobufBytes().Number(1, 1).Blob(3, "data"u8)));
        Refuse("the largest partition key index", Around(new ProtobufBytes().Number(1, ulong.MaxValue).Blob(3, "data"u8)));
        Refuse("hash key index out of the table", Around(new ProtobufBytes().Number(1, 0).Number(2, 1).Blob(3, "data"u8)));
        Refuse("the largest hash key index", Around(new ProtobufBytes().Number(1, 0).Number(2, ulong.MaxValue).Blob(3, "data"u8)));
        Refuse("field 0", Around(new ProtobufBytes().Raw(sound).Tag(0, 0).Varint(1)));
        Refuse("wire type 6", Around(new ProtobufBytes().Raw(sound).Tag(9, 6)));
        Refuse(
            "a varint of 11 bytes",
            Around(new ProtobufBytes().Raw(sound).Tag(9, 0).Raw([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01])));
        Refuse("a group without its end", Around(new ProtobufBytes().Raw(sound).Tag(9, 3)));
        Refuse("the end of another group", Around(new ProtobufBytes().Raw(sound).Tag(9, 3).Tag(8, 4)));
        Refuse("an end without a group", Around(new ProtobufBytes().Raw(sound).Tag(9, 4)));
        Refuse("groups in groups without end", Around(new ProtobufBytes().Raw(sound).Raw([.. Enumerable.Repeat((byte)0x4B, 100_000)])));
        Refuse("a length beyond the record", Around(new ProtobufBytes().Number(1, 0).Tag(3, 2).Varint(5).Raw("data"u8)));
        Refuse("a length of 64 bits", Around(new ProtobufBytes().Raw(sound).Tag(9, 2).Varint(ulong.MaxValue)));
        foreach (string hashKey in (string[])["-1", "1x", "0x1", " 1", "1 ", "1\0", "1.0", "340282366920938463463374607431768211456"])
        {
            Refuse(hashKey, new ProtobufBytes().Text(1, "key").Text(2, hashKey).Blob(3, sound));
        }

        static ProtobufBytes Around(ProtobufBytes record) => new ProtobufBytes().Text(1, "key").Text(2, "12").Blob(3, record.ToArray());

        static void Refuse(string what, ProtobufBytes protobuf) =>
            Assert.True(Read(AggregateWriter.Seal(protobuf.ToArray())) is null, $"This was taken for an aggregate: {what}");
    }

    [Fact]
    public void Takes_the_largest_hash_key_and_an_empty_one()
    {
        UserRecord[] records = [
            new("a", [1], UInt128.MaxValue.ToString(CultureInfo.InvariantCulture)), new("a", [2], "000"), new("a", [3], "")];
        Assert.True(Same(records, Read(AggregateWriter.Write(records))));
    }

    [Fact]
    public void Only_what_begins_with_the_magic_is_looked_at()
    {
        Assert.Null(Read([]));
        Assert.Null(Read("plain text of some length, longer than a digest"u8.ToArray()));
        Assert.Null(Read([0xF3, 0x89, 0x9A, 0xC2]));
        Assert.Null(Read([0xF3, 0x89, 0x9A, 0xC2, .. new byte[15]]));
        Assert.Null(Read([0xF3, 0x89, 0x9A, 0xC2, .. new byte[16]]));
    }

    [Fact]
    public void Large_tables_cost_no_more_than_their_bytes()
    {
        UserRecord[] records = [
            .. Enumerable.Range(0, 50_000).Select(static i => new UserRecord(i.ToString("x", CultureInfo.InvariantCulture), []))];
        var protobuf = new ProtobufBytes();
        for (int i = records.Length - 1; i >= 0; i--)
        {
            protobuf.Blob(3, new ProtobufBytes().Number(1, (ulong)(records.Length - 1 - i)).Blob(3, []).ToArray())
                .Text(1, records[records.Length - 1 - i].PartitionKey);
        }

        Assert.True(Same(records, Read(AggregateWriter.Seal(protobuf.ToArray()))));
    }

    internal static UserRecord[] Records(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ =>
    {
        byte[] data = new byte[random.Next(50)];
        random.NextBytes(data);
        string? hashKey = random.Next(3) == 0
            ? new UInt128((ulong)random.NextInt64(), (ulong)random.NextInt64()).ToString(CultureInfo.InvariantCulture)
            : null;
        return new UserRecord($"schlüssel-{random.Next(10)}", data, hashKey);
    })];

    /// <summary>Null where it is no aggregate.</summary>
    private static List<UserRecord>? Read(byte[] bytes)
    {
        // the aggregate ends where its memory ends
        ReadOnlySpan<byte> data = bytes;
        if (!AggregatedRecordReader.TryMeasure(data, out AggregateShape shape))
        {
            return null;
        }

        var keys = new AggregateKey[shape.Keys];
        var reader = new AggregatedRecordReader(data, shape, keys);
        List<UserRecord> records = [];
        while (reader.MoveNext(out AggregatedRecord record))
        {
            records.Add(new UserRecord(
                Key(record.PartitionKey),
                bytes.AsSpan(record.DataOffset, record.DataLength).ToArray(),
                record.ExplicitHashKey < 0 ? null : Key(record.ExplicitHashKey)));
        }

        Assert.Equal(shape.Records, records.Count);
        return records;

        string Key(int index) => Encoding.UTF8.GetString(bytes.AsSpan(keys[index].Offset, keys[index].Length));
    }

    private static bool Same(UserRecord[] expected, List<UserRecord>? read) =>
        read is not null && expected.Length == read.Count && expected.Zip(read).All(static pair =>
            pair.First.PartitionKey == pair.Second.PartitionKey
            && pair.First.ExplicitHashKey == pair.Second.ExplicitHashKey
            && pair.First.Data.AsSpan().SequenceEqual(pair.Second.Data));

    /// <summary>An aggregate that aws-kinesis-agg made; its version and licence stand in the file.</summary>
    private sealed record RecordedAggregate(string Name, UserRecord[] Records, byte[] Aggregate)
    {
        public static IReadOnlyList<RecordedAggregate> All()
        {
            using Stream file = typeof(RecordedAggregate).Assembly.GetManifestResourceStream("aws-kinesis-agg.json")!;
            using JsonDocument document = JsonDocument.Parse(file);
            return [.. document.RootElement.GetProperty("aggregates").EnumerateArray().Select(static aggregate => new RecordedAggregate(
                aggregate.GetProperty("name").GetString()!,
                [.. aggregate.GetProperty("records").EnumerateArray().Select(static record => new UserRecord(
                    record.GetProperty("partitionKey").GetString()!,
                    record.GetProperty("data").GetBytesFromBase64(),
                    record.TryGetProperty("explicitHashKey", out JsonElement hashKey) ? hashKey.GetString() : null))],
                aggregate.GetProperty("aggregate").GetBytesFromBase64()))];
        }
    }
}
