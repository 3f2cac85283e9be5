using System.Globalization;
using System.Text;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using FastConsumer.State.Format;

namespace FastConsumer.Tests.State;

public sealed class SegmentTests
{
    [Fact]
    public void A_segment_is_the_same_bytes_for_ever()
    {
        Assert.Equal(
            """
            4643534547000100014500000068A1E19506746F74616C73011313013B026337D57F8211E93BB9199CC084C6D8213A4D
            D00700000000000002080A00000000000000013323561F40E2D73A0102080A000000000000000152000000DA81D42603
            6D61700213130221026337D57F8211E93BB9199CC084C6D8213A4D0178080200000000000000013323561F40E2D73A01
            02080100000000000000240179013323561F40E2D73A01020802000000000000000137000000179038B8046C69737403
            20200111086578706C696369740000000000000000000000000000008002120805000000000000000806000000000000
            00020404000067A4029B7B22666F726D6174223A312C226170706C69636174696F6E223A227465737473222C22737472
            65616D41726E223A2261726E3A6177733A6B696E657369733A65752D63656E7472616C2D313A31323334353637383930
            31323A73747265616D2F73747265616D222C2273747265616D43726561746564223A313730303030303030303030302C
            2270726F636573736F72223A22546573746564222C22737461746556657273696F6E223A332C227368617264223A2273
            6861726449642D303030303030303030303030222C227374617274696E67486173684B6579223A223137303134313138
            33343630343639323331373331363837333033373135383834313035373238222C22656E64696E67486173684B657922
            3A22313730313431313833343630343639323331373331363837333033373135383834313035373333222C226C696E65
            616765223A226C696E65616765222C2265706F6368223A31322C226E756D626572223A372C22706F736974696F6E223A
            2233222C2273756253657175656E63654E756D626572223A302C2273747265616D54696D65223A313630302C2272756E
            73223A5B5D2C22737461746573223A5B7B226E616D65223A22746F74616C73222C226B696E64223A2256616C7565222C
            2276657273696F6E223A332C22636F646563223A224E756D62657253657269616C697A6572227D2C7B226E616D65223A
            226D6170222C226B696E64223A224D6170222C2276657273696F6E223A332C22636F646563223A224E756D6265725365
            7269616C697A6572227D2C7B226E616D65223A226C697374222C226B696E64223A224C697374222C2276657273696F6E
            223A332C22636F646563223A224E756D62657253657269616C697A6572227D5D2C2272616E676573223A5B7B22737461
            7465223A22746F74616C73222C22666972737447726F7570223A31392C226C61737447726F7570223A31392C22736567
            6D656E74223A2273657373696F6E2F31222C226F6666736574223A382C226C656E677468223A37382C22637263223A32
            3333353735353435307D2C7B227374617465223A226D6170222C22666972737447726F7570223A31392C226C61737447
            726F7570223A31392C227365676D656E74223A2273657373696F6E2F31222C226F6666736574223A38362C226C656E67
            7468223A39312C22637263223A323836393535313632347D2C7B227374617465223A226C697374222C22666972737447
            726F7570223A33322C226C61737447726F7570223A33322C227365676D656E74223A2273657373696F6E2F31222C226F
            6666736574223A3137372C226C656E677468223A36342C22637263223A3235373031313234357D5D2C22707265646563
            6573736F72223A6E756C6C2C227472616E73616374696F6E73223A5B5D7D03320000002F7278DF011473686172644964
            2D3030303030303030303030300C000000000000000700000000000000F1000000000000000D0400003B000000464345
            00
            """,
            Hex(Small().Segment));
    }

    [Fact]
    public void Every_truncation_of_a_segment_is_found()
    {
        byte[] whole = Small().Segment;
        string content = Content(whole);
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.Throws<SnapshotDamagedException>(() => Content(whole[..length]));
        }

        Assert.Throws<SnapshotDamagedException>(() => Content([.. whole, 0]));
        Assert.Equal(content, Content(whole));
    }

    [Fact]
    public void Every_bit_that_flips_in_a_segment_is_found()
    {
        byte[] whole = Small().Segment;
        for (int bit = 0; bit < 8 * whole.Length; bit++)
        {
            byte[] flipped = [.. whole];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<SnapshotDamagedException>(() => Content(flipped));
        }
    }

    [Fact]
    public void Random_bytes_are_no_part_of_a_segment_and_neither_are_frames_of_them()
    {
        var random = new Random(7);
        int whole = 0;
        for (int i = 0; i < 60_000; i++)
        {
            byte[] bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            if (i % 2 == 0 && bytes.Length >= SegmentLayout.FrameHeaderBytes)
            {
                // past the checksum: only what the parts say is checked
                bytes[0] = (byte)(1 + (i % 3));
                Seal(bytes);
            }

            whole += ReadsAs(() => Blocks(bytes, 1)) ? 1 : 0;
            ReadsAs(() => SegmentReader.ReadFooter(bytes));
            ReadsAs(() => SegmentReader.ReadManifest(bytes));
            ReadsAs(() => SegmentReader.CheckHeader(bytes));
            ReadsAs(() => SegmentReader.FooterLength(bytes));
        }

        Assert.InRange(whole, 0, 30_000);
    }

    [Fact]
    public void A_block_that_was_changed_and_sealed_again_is_read_or_refused()
    {
        TestSnapshot small = Small();
        var random = new Random(11);
        int read = 0, refused = 0;
        for (int number = 0; number < small.Manifest.Ranges.Count; number++)
        {
            SnapshotRange range = small.Manifest.Ranges[number];
            byte[] whole = small.Segment.AsSpan((int)range.Offset, range.Length).ToArray();
            for (int i = 0; i < 20_000; i++)
            {
                byte[] changed = [.. whole];
                for (int changes = random.Next(1, 4); changes > 0; changes--)
                {
                    changed[random.Next(SegmentLayout.FrameHeaderBytes, changed.Length)] = (byte)random.Next(256);
                }

                Seal(changed);
                _ = ReadsAs(() => Load(small.Manifest, number, changed)) ? read++ : refused++;
            }
        }

        Assert.True(read > 1000 && refused > 1000, $"{read} read, {refused} refused");
    }

    [Fact]
    public void A_manifest_that_was_changed_is_read_or_refused()
    {
        byte[] json = Small().Manifest.ToJson();
        var random = new Random(13);
        int read = 0, refused = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] changed = [.. json];
            for (int changes = random.Next(1, 3); changes > 0; changes--)
            {
                changed[random.Next(changed.Length)] = (byte)random.Next(32, 127);
            }

            _ = ReadsAs(() => SnapshotManifest.Parse(changed)) ? read++ : refused++;
        }

        Assert.True(read > 1000 && refused > 1000, $"{read} read, {refused} refused");
        string text = Encoding.UTF8.GetString(json);
        Assert.False(Parses(text.Replace("\"application\":", "\"applicatiom\":", StringComparison.Ordinal)));
        Assert.False(Parses(text.Replace("\"application\":\"tests\"", "\"application\":null", StringComparison.Ordinal)));
        Assert.False(Parses(text.Insert(1, "\"later\":1,")));
        Assert.False(Parses(text.Replace("\"format\":1", "\"format\":3", StringComparison.Ordinal)));
        Assert.False(Parses("null"));
        Assert.True(Parses(text));

        bool Parses(string manifest) => ReadsAs(() => SnapshotManifest.Parse(Encoding.UTF8.GetBytes(manifest)));
    }

    [Fact]
    public void The_footer_names_every_shard_of_the_segment()
    {
        TestSnapshot one = Small();
        var writer = new SegmentWriter("session/2");
        SnapshotManifest other = one.Manifest with { Shard = "shardId-000000000001", Ranges = [], Number = 9 };
        (long Offset, int Length) first = writer.AddManifest(one.Manifest);
        (long Offset, int Length) second = writer.AddManifest(other);
        byte[] segment = [.. writer.Finish().SelectMany(static frame => frame.ToArray())];
        Assert.Equal(writer.Length, segment.Length);
        int footer = SegmentReader.FooterLength(segment.AsSpan(segment.Length - SegmentLayout.TrailerBytes));
        Assert.Equal(
            [
                new SegmentShard("shardId-000000000000", 12, 7, first.Offset, first.Length),
                new SegmentShard("shardId-000000000001", 12, 9, second.Offset, second.Length),
            ],
            SegmentReader.ReadFooter(segment[^(footer + SegmentLayout.TrailerBytes)..^SegmentLayout.TrailerBytes]));
        SnapshotManifest read = SegmentReader.ReadManifest(segment[(int)second.Offset..((int)second.Offset + second.Length)]);
        Assert.Equal(Encoding.UTF8.GetString(other.ToJson()), Encoding.UTF8.GetString(read.ToJson()));
    }

    [Fact]
    public void A_large_state_is_cut_into_blocks_and_ranges_by_group()
    {
        var state = new ProcessorState(1);
        KeyedState<string> text = state.AddState("text", null, new TextSerializer());
        var lane = new StateLane(state);
        string value = new('x', 1000);
        for (int i = 0; i < 20_000; i++)
        {
            lane.Handle($"{i}", context => text.Of(context).Set(value));
        }

        TestSnapshot snapshot = TestSnapshot.Of(lane);
        Assert.InRange(snapshot.Manifest.Ranges.Count, 10, SegmentLayout.MostRanges);
        int last = -1;
        foreach (SnapshotRange range in snapshot.Manifest.Ranges)
        {
            Assert.True(range.FirstGroup > last);
            last = range.LastGroup;
        }

        Assert.Equal(63, last);
        Assert.Equal(20_000, KeysOf(snapshot, "text").Distinct().Count());
        var restored = new ProcessorState(1);
        restored.AddState("text", null, new TextSerializer());
        TestSnapshot.Restore(restored, null, snapshot);
        Assert.Equal(Content(snapshot.Segment), Content(TestSnapshot.Of(new StateLane(restored, 20_000)).Segment));
        Assert.InRange(restored.Bytes, 20_000_000, 40_000_000);
    }

    [Fact]
    public void The_checksum_is_the_one_of_the_standard()
    {
        Assert.Equal(0xe3069283, Crc32C.Of("123456789"u8));
        Assert.Equal(Crc32C.Of("123456789"u8), Crc32C.Of("6789"u8, Crc32C.Of("12345"u8)));
        Assert.Equal(0x8a9136aau, Crc32C.Of(new byte[32]));
    }

    /// <summary>The partition keys of a state's entries, in the order of the segment.</summary>
    internal static List<string> KeysOf(TestSnapshot snapshot, string state)
    {
        List<string> keys = [];
        foreach (SnapshotRange range in snapshot.Manifest.Ranges.Where(range => range.State == state))
        {
            byte[] bytes = snapshot.Segment.AsSpan((int)range.Offset, range.Length).ToArray();
            for (int position = 0; position < bytes.Length;)
            {
                BlockReader block = SegmentReader.ReadBlock(bytes, ref position, 1);
                while (block.TryRead(out StateEntry entry))
                {
                    keys.Add(Encoding.UTF8.GetString(entry.Key));
                }
            }
        }

        return keys;
    }

    private static TestSnapshot Small()
    {
        var state = new ProcessorState(2);
        KeyedState<long> totals = state.AddState("totals", TimeSpan.FromSeconds(1), new NumberSerializer());
        KeyedMap<string, long> map = state.AddMap<string, long>("map", null, new NumberSerializer());
        KeyedList<long> list = state.AddList("list", null, new NumberSerializer());
        var lane = new StateLane(state);
        lane.Handle(new StateRecord("c7", 1000), context =>
        {
            totals.Of(context).Set(10);
            map.Of(context).Set("x", 1);
            map.Of(context).Set("y", 2);
        });
        lane.Handle(new StateRecord("explicit", 1500, UInt128.One << 127), context =>
        {
            list.Of(context).Add(5);
            list.Of(context).Add(6);
        });
        HashKeyRange upper = new(UInt128.One << 127, UInt128.MaxValue);
        TestSnapshot parent = TestSnapshot.Of(lane, upper);
        // c7 lies outside of the shard's range, so the child has a copy of it; one sub-key was written, and another removed
        var child = new ProcessorState(3);
        child.AddState("totals", TimeSpan.FromSeconds(1), new NumberSerializer());
        map = child.AddMap<string, long>("map", null, new NumberSerializer());
        child.AddList("list", null, new NumberSerializer());
        HashKeyRange range = new(UInt128.One << 127, (UInt128.One << 127) + 5);
        TestSnapshot.Restore(child, range, parent);
        lane = new StateLane(child, 2);
        lane.Handle(new StateRecord("c7", 1600), context =>
        {
            map.Of(context).Edit("x")++;
            map.Of(context).Remove("y");
        });
        return TestSnapshot.Of(lane, range, "shardId-000000000000", 7);
    }

    /// <summary>All that a segment says, by way of its footer.</summary>
    private static string Content(byte[] segment)
    {
        SegmentReader.CheckHeader(segment);
        if (segment.Length < SegmentLayout.HeaderBytes + SegmentLayout.TrailerBytes)
        {
            throw new SnapshotDamagedException("too short");
        }

        int length = SegmentReader.FooterLength(segment.AsSpan(segment.Length - SegmentLayout.TrailerBytes));
        int start = segment.Length - SegmentLayout.TrailerBytes - length;
        var text = new StringBuilder();
        foreach (SegmentShard shard in SegmentReader.ReadFooter(Part(start, length)))
        {
            SnapshotManifest manifest = SegmentReader.ReadManifest(Part(shard.Offset, shard.Length));
            text.AppendLine(CultureInfo.InvariantCulture, $"{manifest.Shard} {manifest.Position}");
            foreach (SnapshotRange range in manifest.Ranges)
            {
                byte[] bytes = Part(range.Offset, range.Length);
                SegmentReader.CheckRange(range, bytes);
                text.Append(Blocks(bytes, manifest.StateVersion));
            }
        }

        return text.ToString();

        byte[] Part(long offset, int length) => offset >= 0 && length >= 0 && offset + length <= segment.Length
            ? segment.AsSpan((int)offset, length).ToArray()
            : throw new SnapshotDamagedException("what is named lies outside");
    }

    private static string Blocks(byte[] bytes, int version)
    {
        List<string> lines = [];
        for (int position = 0; position < bytes.Length;)
        {
            BlockReader block = SegmentReader.ReadBlock(bytes, ref position, version);
            while (block.TryRead(out StateEntry entry))
            {
                lines.Add($"{block.State} {block.Kind} {Convert.ToHexString(entry.Key)} {entry.HashKey} "
                    + $"{Convert.ToHexString(entry.SubKey)} {entry.Exists} {entry.IsCopy} {entry.Expiry} {entry.Version} "
                    + $"{Convert.ToHexString(entry.Value)} "
                    + string.Join(' ', CopyBase.List(entry.Bases).Select(static one =>
                        $"{one.Id} {one.Exists} {one.Value.Version} {Convert.ToHexString(one.Value.Span)}")));
            }
        }

        return string.Join('\n', lines.Order(StringComparer.Ordinal));
    }

    private static void Load(SnapshotManifest manifest, int range, byte[] blocks)
    {
        var state = new ProcessorState(3);
        state.AddState("totals", TimeSpan.FromSeconds(1), new NumberSerializer());
        state.AddMap<string, long>("map", null, new NumberSerializer());
        state.AddList("list", null, new NumberSerializer());
        state.Restore([manifest], manifest.HashKeys);
        state.Load(manifest, range, blocks);
    }

    private static bool ReadsAs(Action read)
    {
        try
        {
            read();
            return true;
        }
        catch (SnapshotDamagedException)
        {
            return false;
        }
    }

    private static void Seal(byte[] frame)
    {
        int body = frame.Length - SegmentLayout.FrameHeaderBytes;
        BitConverter.TryWriteBytes(frame.AsSpan(1), body);
        BitConverter.TryWriteBytes(
            frame.AsSpan(5), Crc32C.Of(frame.AsSpan(SegmentLayout.FrameHeaderBytes), Crc32C.Of(frame.AsSpan(0, 5))));
    }

    private static string Hex(byte[] bytes) => string.Join('\n', bytes.Chunk(48).Select(Convert.ToHexString));
}
