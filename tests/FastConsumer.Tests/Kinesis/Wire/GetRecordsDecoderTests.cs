using System.Buffers;
using System.Text;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Tests.Buffers;

namespace FastConsumer.Tests.Kinesis.Wire;

public class GetRecordsDecoderTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(600)]
    public void Finds_every_record_in_both_formats(int count)
    {
        foreach (WireFormat format in Enum.GetValues<WireFormat>())
        {
            foreach (int length in (int[])[0, 1, 2, 3, 100])
            {
                SampleRecord[] records = SampleAnswers.Records(count, length);
                byte[] buffer = SampleAnswers.Encode(format, records, "iterator", 1234);
                DecodedRecords decoded = Decode(format, buffer, out CountingPool<RecordEntry> pool);
                Assert.Equal(count, decoded.Count);
                Assert.Equal("iterator", SampleAnswers.Iterator(decoded, buffer));
                Assert.Equal(1234, decoded.MillisBehindLatest);
                Assert.True(decoded.ChildShards.IsNull);
                Assert.Equal(records.Sum(static record => record.Data.Length + record.PartitionKey.Length), decoded.PayloadBytes);
                for (int i = 0; i < count; i++)
                {
                    SampleAnswers.AssertSame(records[i], decoded.Entries[i], buffer);
                }

                Assert.Equal(1, pool.Outstanding);
            }
        }
    }

    [Fact]
    public void Takes_a_record_of_ten_mebibytes()
    {
        foreach (WireFormat format in Enum.GetValues<WireFormat>())
        {
            SampleRecord[] records = SampleAnswers.Records(1, 10 * 1024 * 1024);
            byte[] buffer = SampleAnswers.Encode(format, records);
            DecodedRecords decoded = Decode(format, buffer, out _);
            SampleAnswers.AssertSame(records[0], decoded.Entries[0], buffer);
        }
    }

    [Fact]
    public void A_null_or_missing_iterator_is_the_end()
    {
        foreach (WireFormat format in Enum.GetValues<WireFormat>())
        {
            DecodedRecords decoded = Decode(format, SampleAnswers.Encode(format, [], iterator: null, behind: null), out _);
            Assert.Null(decoded.NextShardIterator);
            Assert.Null(decoded.MillisBehindLatest);
        }

        Assert.Null(Decode(WireFormat.Json, """{"Records":[]}"""u8.ToArray(), out _).NextShardIterator);
        Assert.Null(Decode(WireFormat.Cbor, new CborBytes().Map(1).Text("Records").Array(0).ToArray(), out _).NextShardIterator);
    }

    [Fact]
    public void Reads_indefinite_maps_arrays_and_chunked_strings()
    {
        byte[] data = [.. Enumerable.Range(0, 100).Select(static i => (byte)i)];
        byte[] buffer = new CborBytes().OpenMap()
            .Text("Records").OpenArray()
            .OpenMap()
            .Text("Data").ChunkedBlob(data, 7)
            .ChunkedText("PartitionKey", 5).ChunkedText("schlüssel", 3)
            .Text("SequenceNumber").ChunkedText("123456789", 2)
            .Text("ApproximateArrivalTimestamp").Integer(1_787_036_486_712)
            .Break()
            .Break()
            .Text("NextShardIterator").ChunkedText("abcdef", 1)
            .Break().ToArray();
        DecodedRecords decoded = Decode(WireFormat.Cbor, buffer, out _);
        SampleAnswers.AssertSame(new SampleRecord("123456789", "schlüssel", data, 1_787_036_486_712), decoded.Entries[0], buffer);
        Assert.Equal("abcdef", SampleAnswers.Iterator(decoded, buffer));
    }

    [Theory]
    [InlineData(new byte[] { 0x1B, 0x00, 0x00, 0x01, 0xA0, 0x14, 0x66, 0x12, 0x38 }, 0x1A014661238)]
    [InlineData(new byte[] { 0xC1, 0x1B, 0x00, 0x00, 0x01, 0xA0, 0x14, 0x66, 0x12, 0x38 }, 0x1A014661238)]
    [InlineData(new byte[] { 0xD9, 0xD9, 0xF7, 0xC1, 0x1B, 0x00, 0x00, 0x01, 0xA0, 0x14, 0x66, 0x12, 0x38 }, 0x1A014661238)]
    [InlineData(new byte[] { 0xC1, 0x00 }, 0)]
    [InlineData(new byte[] { 0xC1, 0x38, 0x63 }, -100)]
    [InlineData(new byte[] { 0xF6 }, 0)]
    public void Reads_tagged_and_untagged_timestamps_as_milliseconds(byte[] timestamp, long expected)
    {
        Assert.Equal(expected, DecodeTimestamp(new CborBytes().Raw(timestamp)));
    }

    [Fact]
    public void Reads_floating_point_timestamps_in_seconds_and_milliseconds()
    {
        Assert.Equal(1_787_036_486_712, DecodeTimestamp(new CborBytes().Tag(1).Double(1_787_036_486.712)));
        Assert.Equal(1_787_036_486_712, DecodeTimestamp(new CborBytes().Tag(1).Double(1_787_036_486_712)));
        // 2^30 s as a single and 1.5 s as a half
        Assert.Equal(1_073_741_824_000, DecodeTimestamp(new CborBytes().Raw(0xFA, 0x4E, 0x80, 0x00, 0x00)));
        Assert.Equal(1500, DecodeTimestamp(new CborBytes().Raw(0xF9, 0x3E, 0x00)));
    }

    [Theory]
    [InlineData("1787036486.712", 1_787_036_486_712)]
    [InlineData("1.787036486712E9", 1_787_036_486_712)]
    [InlineData("1.787036486712e+9", 1_787_036_486_712)]
    [InlineData("1787036486", 1_787_036_486_000)]
    [InlineData("1787036486.7126", 1_787_036_486_713)]
    [InlineData("0", 0)]
    [InlineData("null", 0)]
    public void Reads_json_timestamps_as_seconds(string timestamp, long expected)
    {
        byte[] buffer = Encoding.UTF8.GetBytes(
            $$"""{"Records":[{"SequenceNumber":"1","ApproximateArrivalTimestamp":{{timestamp}},"Data":"","PartitionKey":""}]}""");
        Assert.Equal(expected, Decode(WireFormat.Json, buffer, out _).Entries[0].ArrivalMilliseconds);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(3071)]
    [InlineData(3072)]
    [InlineData(3073)]
    [InlineData(100_000)]
    public void Decodes_base64_text_in_cbor(int length)
    {
        byte[] data = new byte[length];
        new Random(length).NextBytes(data);
        string base64 = Convert.ToBase64String(data);
        foreach (bool chunked in (bool[])[false, true])
        {
            CborBytes cbor = new CborBytes().Map(1).Text("Records").Array(1).Map(3).Text("SequenceNumber").Text("1").Text("PartitionKey")
                .Text("k").Text("Data");
            byte[] buffer = (chunked ? cbor.ChunkedText(base64, 1000) : cbor.Text(base64)).ToArray();
            RecordEntry entry = Decode(WireFormat.Cbor, buffer, out _).Entries[0];
            Assert.True(buffer.AsSpan(entry.DataOffset, entry.DataLength).SequenceEqual(data));
        }
    }

    [Theory]
    [InlineData("""k\"1\\\/\b\f\n\r\t""", "k\"1\\/\b\f\n\r\t")]
    [InlineData("""\u0041\u00e4\u20AC\ud83d\ude00z""", "Aä€😀z")]
    [InlineData("""a\ud83dz""", "a\uFFFDz")]
    [InlineData("""a\ude00""", "a\uFFFD")]
    [InlineData("""\ud83d\u0041""", "\uFFFDA")]
    [InlineData("ü€😀", "ü€😀")]
    [InlineData("", "")]
    public void Resolves_escapes_in_partition_keys(string escaped, string expected)
    {
        byte[] buffer = Encoding.UTF8.GetBytes($$"""{"Records":[{"SequenceNumber":"1","PartitionKey":"{{escaped}}","Data":"AA=="}]}""");
        DecodedRecords decoded = Decode(WireFormat.Json, buffer, out _);
        RecordEntry entry = decoded.Entries[0];
        string key = Encoding.UTF8.GetString(buffer, entry.PartitionKeyOffset, entry.PartitionKeyLength);
        Assert.Equal(expected, key);
        Assert.Equal(entry.PartitionKeyLength + 1, decoded.PayloadBytes);
        Assert.Equal([0], buffer.AsSpan(entry.DataOffset, entry.DataLength).ToArray());
    }

    [Fact]
    public void Resolves_escapes_in_json_base64_names_and_numbers()
    {
        byte[] buffer = """{"\u0052ecords":[{"\u0044ata":"\u002b\/+/","SequenceNumber":"\u0031\u0032","PartitionKey":"k"}]}"""u8.ToArray();
        RecordEntry entry = Decode(WireFormat.Json, buffer, out _).Entries[0];
        Assert.Equal([0xFB, 0xFF, 0xBF], buffer.AsSpan(entry.DataOffset, entry.DataLength).ToArray());
        Assert.Equal("12", Encoding.UTF8.GetString(buffer, entry.SequenceNumberOffset, entry.SequenceNumberLength));
    }

    [Fact]
    public void Skips_what_it_does_not_know()
    {
        byte[] cbor = new CborBytes().Map(3)
            .Text("Future").OpenMap().Text("a").Array(2).Integer(-5).Double(1.5).Integer(7).Blob(1, 2).Break()
            .Text("Records").Array(1).Map(4)
            .Text("EncryptionType").Text("KMS")
            .Text("SequenceNumber").Text("7")
            .Text("More").Tag(37).Raw(0x5F, 0x41, 0x00, 0xFF)
            .Text("PartitionKey").Text("k")
            .Text("Last").Raw(0xF5).ToArray();
        Assert.Equal(1, Decode(WireFormat.Cbor, cbor, out _).Count);

        byte[] json = """ {"Future":{"a":[1,{"b":null}]},"Records":[{"EncryptionType":"KMS","SequenceNumber":"7","More":[[]],"PartitionKey":"k","Data":null}],"Last":true} """u8.ToArray();
        DecodedRecords decoded = Decode(WireFormat.Json, json, out _);
        Assert.Equal(1, decoded.Count);
        Assert.Equal(0, decoded.Entries[0].DataLength);
    }

    [Fact]
    public void Reads_the_children_at_the_end_of_a_shard()
    {
        byte[] json = """{"ChildShards":[{"ShardId":"s-1","ParentShards":["s-0"],"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"9"}}],"Records":[],"NextShardIterator":null}"""u8.ToArray();
        byte[] cbor = new CborBytes().Map(2).Text("Records").Array(0)
            .Text("ChildShards").OpenArray().Map(3)
            .Text("ShardId").Text("s-1")
            .Text("ParentShards").Array(1).Text("s-0")
            .Text("HashKeyRange").Map(2).Text("StartingHashKey").Text("0").Text("EndingHashKey").Text("9")
            .Break().ToArray();
        foreach (DecodedRecords decoded in (DecodedRecords[])[Decode(WireFormat.Json, json, out _), Decode(WireFormat.Cbor, cbor, out _)])
        {
            WireValue child = Assert.Single(decoded.ChildShards.Items);
            Assert.Equal("s-1", child["ShardId"].AsText());
            Assert.Equal("s-0", child["ParentShards"].Items[0].AsText());
            Assert.Equal("9", child["HashKeyRange"]["EndingHashKey"].AsText());
        }
    }

    [Fact]
    public void Refuses_an_iterator_that_is_not_text()
    {
        byte[] json = [.. "{\"Records\":[],\"NextShardIterator\":\""u8, 0xFF, .. "\"}"u8];
        Assert.Throws<WireFormatException>(() => Decode(WireFormat.Json, json, out _));
        byte[] cbor = [.. new CborBytes().Map(2).Text("Records").Array(0).Text("NextShardIterator").ToArray(), 0x61, 0xFF];
        Assert.Throws<WireFormatException>(() => Decode(WireFormat.Cbor, cbor, out _));
    }

    [Fact]
    public void Finds_the_iterator_behind_records_and_resolves_its_escapes()
    {
        byte[] buffer = Encoding.UTF8.GetBytes("{\"Records\":[{\"SequenceNumber\":\"1\",\"Data\":\"" + Convert.ToBase64String(new byte[200])
            + "\",\"PartitionKey\":\"k\"}],\"NextShardIterator\":\"AAA\\/\\u0042==\"}");
        DecodedRecords decoded = Decode(WireFormat.Json, buffer, out _);
        Assert.Equal("AAA/B==", SampleAnswers.Iterator(decoded, buffer));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"Records":null}""")]
    [InlineData("""{"Records":{}}""")]
    [InlineData("""{"Records":[1]}""")]
    [InlineData("""{"Records":[]}x""")]
    [InlineData("""{"Records":[]}{}""")]
    [InlineData("""{"Records":[],"Records":[]}""")]
    [InlineData("""{"Records":[],"NextShardIterator":5}""")]
    [InlineData("""{"Records":[],"MillisBehindLatest":1.5}""")]
    [InlineData("""{"Records":[],"MillisBehindLatest":1e999}""")]
    [InlineData("""{"Records":[],"MillisBehindLatest":"1"}""")]
    [InlineData("""{"Records":[{"PartitionKey":"k"}]}""")]
    [InlineData("""{"Records":[{"SequenceNumber":"01"}]}""")]
    [InlineData("""{"Records":[{"SequenceNumber":"1x"}]}""")]
    [InlineData("""{"Records":[{"SequenceNumber":1}]}""")]
    [InlineData("""{"Records":[{"SequenceNumber":"1","Data":"*"}]}""")]
    [InlineData("""{"Records":[{"SequenceNumber":"1","Data":"AAA"}]}""")]
    [InlineData("""{"Records":[{"SequenceNumber":"1","Data":"AA=="},{"SequenceNumber":"1","Data":"AA=A"}]}""")]
    [InlineData("""{"Records":[{"SequenceNumber":"1","ApproximateArrivalTimestamp":1e30}]}""")]
    [InlineData("""{"Records":[{"SequenceNumber":"1","ApproximateArrivalTimestamp":"now"}]}""")]
    public void Refuses_malformed_json(string text)
    {
        var pool = new CountingPool<RecordEntry>();
        Assert.Throws<WireFormatException>(() => GetRecordsDecoder.Decode(WireFormat.Json, Encoding.UTF8.GetBytes(text), pool));
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData("")]
    [InlineData("A0")] // {}
    [InlineData("80")] // []
    [InlineData("F6")] // null
    [InlineData("A1675265636F72647380 00")] // something behind the answer
    [InlineData("A1675265636F726473A0")] // Records: {}
    [InlineData("A1675265636F726473 8101")] // Records: [1]
    [InlineData("A1675265636F726473 81 A1 6E53657175656E63654E756D626572 01")] // a number for a text
    [InlineData("A1675265636F726473 9B7FFFFFFFFFFFFFFF")] // an array of 2^63-1
    [InlineData("BB7FFFFFFFFFFFFFFF")] // a map of 2^63-1
    [InlineData("A1 7B7FFFFFFFFFFFFFFF")] // a text of 2^63-1
    [InlineData("A1 7BFFFFFFFFFFFFFFFF")]
    [InlineData("A1 675265636F726473 FF")] // a break for a value
    [InlineData("BF 675265636F726473 FF")] // a pair without a value
    [InlineData("BF 675265636F726473 80")] // no break
    [InlineData("A1 0180")] // a name that is no text
    [InlineData("A1 6161 1C")] // a reserved head
    [InlineData("A1 6161 1F")] // an indefinite integer
    [InlineData("A1 6161 DF")] // an indefinite tag
    [InlineData("A1 6161 7F 4100 FF")] // bytes within a text
    [InlineData("A1 6161 7F 7F FF FF")] // a chunked chunk
    public void Refuses_malformed_cbor(string hex)
    {
        byte[] buffer = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        var pool = new CountingPool<RecordEntry>();
        Assert.Throws<WireFormatException>(() => GetRecordsDecoder.Decode(WireFormat.Cbor, buffer, pool));
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Bounds_the_depth()
    {
        foreach (byte[] nested in (byte[][])[[.. Enumerable.Repeat((byte)0x81, 100_000)], [.. Enumerable.Repeat((byte)0x9F, 100_000)],
            [.. Enumerable.Repeat((byte)0xC1, 100_000)]])
        {
            foreach (string name in (string[])["Unknown", "ChildShards"])
            {
                byte[] cbor = new CborBytes().OpenMap().Text(name).Raw(nested).ToArray();
                Assert.Throws<WireFormatException>(() => Decode(WireFormat.Cbor, cbor, out _));
            }
        }

        byte[] json = Encoding.UTF8.GetBytes("{\"ChildShards\":" + new string('[', 100_000));
        Assert.Throws<WireFormatException>(() => Decode(WireFormat.Json, json, out _));
    }

    [Fact]
    public void Truncation_at_every_byte_is_refused_and_leaks_nothing()
    {
        foreach (WireFormat format in Enum.GetValues<WireFormat>())
        {
            byte[] whole = SampleAnswers.Encode(format, SampleAnswers.Records(5, 40));
            for (int length = 0; length < whole.Length; length++)
            {
                var pool = new CountingPool<RecordEntry>();
                byte[] part = whole[..length];
                Assert.Throws<WireFormatException>(() => GetRecordsDecoder.Decode(format, part, pool));
                Assert.Equal(0, pool.Outstanding);
            }
        }
    }

    [Fact]
    public void Random_mutations_are_decoded_or_refused_and_nothing_else()
    {
        var random = new Random(42);
        byte[] chunked = new CborBytes().OpenMap().Text("Records").OpenArray().OpenMap()
            .Text("Data").ChunkedBlob(new byte[50], 7).Text("SequenceNumber").ChunkedText("12345", 2).Text("PartitionKey").Text("k")
            .Text("ApproximateArrivalTimestamp").Tag(1).Double(1e9).Break().Break()
            .Text("ChildShards").Array(1).Map(1).Text("ShardId").Text("x").Break().ToArray();
        byte[] escaped = """{"Records":[{"SequenceNumber":"1\u0032","PartitionKey":"\ud83d\ude00\n","Data":"AAAA\u002b\/==","ApproximateArrivalTimestamp":1.7E9}],"ChildShards":[{"a":[1,2.5,true,null]}],"MillisBehindLatest":5}"""u8.ToArray();
        (WireFormat, byte[])[] seeds =
        [
            (WireFormat.Cbor, SampleAnswers.Cbor(SampleAnswers.Records(3, 20))),
            (WireFormat.Cbor, chunked),
            (WireFormat.Json, SampleAnswers.Json(SampleAnswers.Records(3, 20))),
            (WireFormat.Json, escaped),
        ];
        var pool = new CountingPool<RecordEntry>();
        for (int i = 0; i < 60_000; i++)
        {
            (WireFormat format, byte[] seed) = seeds[i % seeds.Length];
            byte[] buffer = Mutate(seed, random);
            try
            {
                DecodedRecords decoded = GetRecordsDecoder.Decode(format, buffer, pool);
                for (int r = 0; r < decoded.Count; r++)
                {
                    RecordEntry entry = decoded.Entries[r];
                    _ = buffer.AsSpan(entry.DataOffset, entry.DataLength);
                    _ = buffer.AsSpan(entry.PartitionKeyOffset, entry.PartitionKeyLength);
                    _ = FastConsumer.Kinesis.SequenceNumber.Parse(buffer.AsSpan(entry.SequenceNumberOffset, entry.SequenceNumberLength));
                    _ = DateTimeOffset.FromUnixTimeMilliseconds(entry.ArrivalMilliseconds);
                }

                pool.Return(decoded.Entries);
            }
            catch (WireFormatException)
            {
                // refused
            }

            Assert.Equal(0, pool.Outstanding);
        }
    }

    [Fact]
    public void Random_bytes_are_refused_by_the_tree_too()
    {
        var random = new Random(43);
        byte[] json = """{"a":[1,2.5,"\u00e4",true,null,{"b":-7}],"c":1e5}"""u8.ToArray();
        byte[] cbor = new CborBytes().OpenMap().Text("a").Array(3).Integer(1).Double(2.5).Tag(1).Integer(5).Text("b").ChunkedText("abc", 1)
            .Break().ToArray();
        for (int i = 0; i < 30_000; i++)
        {
            WireFormat format = i % 2 == 0 ? WireFormat.Json : WireFormat.Cbor;
            try
            {
                _ = WireValue.Decode(format, Mutate(format == WireFormat.Json ? json : cbor, random))["a"].IsNull;
            }
            catch (WireFormatException)
            {
                // refused
            }
        }
    }

    [Fact]
    public void Nothing_is_allocated_per_record()
    {
        foreach (WireFormat format in Enum.GetValues<WireFormat>())
        {
            long small = Allocated(format, SampleAnswers.Records(10, 100));
            long large = Allocated(format, SampleAnswers.Records(2000, 100));
            Assert.Equal(small, large);
            Assert.InRange(large, 0, 200);
        }
    }

    private static long Allocated(WireFormat format, SampleRecord[] records)
    {
        byte[] answer = SampleAnswers.Encode(format, records);
        byte[][] copies = [.. Enumerable.Range(0, 20).Select(_ => (byte[])answer.Clone())];
        long least = long.MaxValue;
        foreach (byte[] buffer in copies)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            DecodedRecords decoded = GetRecordsDecoder.Decode(format, buffer, ArrayPool<RecordEntry>.Shared);
            ArrayPool<RecordEntry>.Shared.Return(decoded.Entries);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        var bytes = new List<byte>(seed);
        int changes = random.Next(1, 4);
        for (int i = 0; i < changes && bytes.Count > 0; i++)
        {
            int position = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[position] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[position] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.Insert(position, (byte)random.Next(256));
                    break;
                case 3:
                    bytes.RemoveAt(position);
                    break;
                default:
                    int length = Math.Min(random.Next(8), bytes.Count - position);
                    bytes.AddRange(bytes.GetRange(position, length));
                    break;
            }
        }

        return [.. bytes];
    }

    private static long DecodeTimestamp(CborBytes timestamp)
    {
        byte[] buffer = new CborBytes().Map(1).Text("Records").Array(1).Map(2)
            .Text("SequenceNumber").Text("1").Text("ApproximateArrivalTimestamp").Raw(timestamp.ToArray()).ToArray();
        return Decode(WireFormat.Cbor, buffer, out _).Entries[0].ArrivalMilliseconds;
    }

    private static DecodedRecords Decode(WireFormat format, byte[] buffer, out CountingPool<RecordEntry> pool)
    {
        pool = new CountingPool<RecordEntry>();
        return GetRecordsDecoder.Decode(format, buffer, pool);
    }
}
