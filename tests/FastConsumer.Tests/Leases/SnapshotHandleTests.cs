using System.Globalization;
using FastConsumer.Leases;

namespace FastConsumer.Tests.Leases;

/// <summary>What a row says of its state, as text.</summary>
public sealed class SnapshotHandleTests
{
    private static readonly CheckpointPosition[] s_positions =
    [
        CheckpointPosition.TrimHorizon, CheckpointPosition.Latest, CheckpointPosition.AtTimestamp, CheckpointPosition.ShardEnd,
        CheckpointPosition.Parse("7"), CheckpointPosition.Parse("8"), CheckpointPosition.Parse("7", 1), CheckpointPosition.Parse("7", 2),
        CheckpointPosition.Parse("71"), CheckpointPosition.Parse("49590338271490256608559692538361571095921575989136588898", 12),
    ];

    [Fact]
    public void It_reads_as_it_was_written()
    {
        for (int seed = 0; seed < 2_000; seed++)
        {
            var random = new Random(seed);
            SnapshotHandle handle = Any(random);
            Assert.Equal(handle, SnapshotHandle.Parse(handle.ToString()));
        }
    }

    [Fact]
    public void The_text_is_what_rows_bear()
    {
        var handle = new SnapshotHandle("0123456789abcdef/207", 81_920, 612, "0badf00d")
        {
            IsCommitted = false,
            Seen = DateTimeOffset.FromUnixTimeSeconds(1_780_000_000),
            StreamTime = DateTimeOffset.FromUnixTimeMilliseconds(1_780_000_000_123),
        };
        Assert.Equal("0123456789abcdef/207:81920:612:0badf00d::1780000000:1780000000123", handle.ToString());
        Assert.Equal("-:0:0:e671cac4:c::", SnapshotHandle.EmptyAt(CheckpointPosition.TrimHorizon).ToString());
        Assert.Null(SnapshotHandle.Parse("-:0:0:e671cac4:c::")!.Object);
    }

    /// <summary>Seconds and milliseconds: what is finer is not kept.</summary>
    [Fact]
    public void Times_are_cut()
    {
        var handle = new SnapshotHandle("s/1", 0, 0, "x")
        {
            Seen = DateTimeOffset.UnixEpoch.AddSeconds(5.9),
            StreamTime = DateTimeOffset.UnixEpoch.AddMilliseconds(5.9),
        };
        SnapshotHandle read = SnapshotHandle.Parse(handle.ToString())!;
        Assert.Equal((DateTimeOffset.UnixEpoch.AddSeconds(5), DateTimeOffset.UnixEpoch.AddMilliseconds(5)), (read.Seen, read.StreamTime));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("s/1")]
    [InlineData(":0:1:x:c::")]
    [InlineData("s/1:-1:1:x:c::")]
    [InlineData("s/1:0:-1:x:c::")]
    [InlineData("s/1: 0:1:x:c::")]
    [InlineData("s/1:0:2147483648:x:c::")]
    [InlineData("s/1:9223372036854775808:1:x:c::")]
    [InlineData("s/1:0:1:x:c:9223372036854775807:")]
    [InlineData("s/1:0:1:x:c::9223372036854775807")]
    [InlineData("s/1:0:1:x:c::1e3")]
    [InlineData("s/1:0:1:x:c:::")]
    public void What_is_no_handle_is_none(string? text) => Assert.Null(SnapshotHandle.Parse(text));

    [Fact]
    public void Whatever_a_row_bears_nothing_is_thrown_and_what_is_read_is_written_again()
    {
        const string characters = "0123456789abcdef/:->c -+e.\u0660\0";
        for (int seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            string text = Any(random).ToString();
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                int at = random.Next(text.Length + 1);
                string c = characters[random.Next(characters.Length)].ToString(CultureInfo.InvariantCulture);
                text = random.Next(3) switch
                {
                    0 when at < text.Length => text.Remove(at, 1),
                    1 => text[..at],
                    _ => text.Insert(at, c),
                };
            }

            if (SnapshotHandle.Parse(text) is { } read)
            {
                Assert.Equal(read, SnapshotHandle.Parse(read.ToString()));
            }

            (IReadOnlyList<SnapshotHandle?> parents, _) = SnapshotHandle.Inherited(
                new Lease { LeaseKey = "0", Inherits = [text, $"1>{text}"] });
            Assert.Equal(2, parents.Count);
        }
    }

    [Fact]
    public void Each_position_has_its_own_stamp()
    {
        Assert.Equal(s_positions.Length, s_positions.Select(SnapshotHandle.StampOf).Distinct().Count());
        Assert.All(s_positions, static position => Assert.Matches("^[0-9a-f]{8}$", SnapshotHandle.StampOf(position)));
        // rows keep it: it may not change with a version
        Assert.Equal(["e671cac4", "0e5ca806"], s_positions.Where(static position =>
            position == CheckpointPosition.TrimHorizon || position == CheckpointPosition.ShardEnd).Select(SnapshotHandle.StampOf));
    }

    [Fact]
    public void Neighbours_have_stamps_that_differ()
    {
        HashSet<string> stamps = [];
        for (int i = 0; i < 2_000; i++)
        {
            string number = $"49590338271490256608559692538361571095921575989{i:000000000}";
            stamps.Add(SnapshotHandle.StampOf(CheckpointPosition.Parse(number)));
            stamps.Add(SnapshotHandle.StampOf(CheckpointPosition.Parse(number, i + 1)));
        }

        // of 4,000 stamps of 32 bits, two are alike once in 500 tries
        Assert.InRange(stamps.Count, 3_999, 4_000);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_child_bears_its_parents_handles(int parents)
    {
        SnapshotHandle[] handles = [.. Enumerable.Range(0, parents).Select(static i =>
            new SnapshotHandle($"s/{i}", i * 10, 5, SnapshotHandle.StampOf(CheckpointPosition.ShardEnd))
            {
                Seen = DateTimeOffset.UnixEpoch.AddDays(1),
                StreamTime = DateTimeOffset.UnixEpoch.AddDays(1),
            })];
        Lease[] rows = [.. handles.Select(static (handle, i) => new Lease
        {
            LeaseKey = $"shardId-00000000000{i}",
            Checkpoint = CheckpointPosition.ShardEnd,
            Snapshot = handle.ToString(),
            Lineage = "l.1",
        })];
        Lease child = Child(rows);

        Assert.Equal(parents, child.Inherits.Count);
        (IReadOnlyList<SnapshotHandle?> inherited, bool isAtStart) = SnapshotHandle.Inherited(child);
        Assert.True(isAtStart);
        // whether a parent's transactions were committed is not known: the child commits them again
        Assert.Equal(
            handles.Select(static handle => handle with { IsCommitted = false, Seen = null, StreamTime = null }),
            inherited.OrderBy(static parent => parent!.Object, StringComparer.Ordinal));

        Assert.False(SnapshotHandle.Inherited(child with { Checkpoint = CheckpointPosition.Parse("7") }).IsAtStart);
        Assert.False(SnapshotHandle.Inherited(child with { Checkpoint = CheckpointPosition.ShardEnd }).IsAtStart);
    }

    [Fact]
    public void A_parent_whose_handle_cannot_be_read_is_one_without()
    {
        var one = new Lease { LeaseKey = "shardId-000000000001", Checkpoint = CheckpointPosition.ShardEnd, Lineage = "l.1" };
        Lease[] parents =
        [
            one with { Snapshot = "banana" },
            // KCL has finished it before its first snapshot
            one with { LeaseKey = "shardId-000000000002", Inherits = ["0>s/1:0:1>x>y"] },
            // and this one it has made
            one with { LeaseKey = "shardId-000000000003", Lineage = null },
        ];
        (IReadOnlyList<SnapshotHandle?> inherited, bool isAtStart) = SnapshotHandle.Inherited(Child(parents));
        Assert.Equal([null, null, null], inherited);
        Assert.True(isAtStart);
    }

    [Fact]
    public void A_parent_that_never_had_state_passes_on_the_empty_one()
    {
        var parent = new Lease { LeaseKey = "shardId-000000000001", Checkpoint = CheckpointPosition.ShardEnd, Lineage = "l.1" };
        Assert.Equal(
            [SnapshotHandle.EmptyAt(CheckpointPosition.ShardEnd) with { IsCommitted = false }],
            SnapshotHandle.Inherited(Child([parent])).Parents);
    }

    [Fact]
    public void A_row_that_inherits_nothing_is_at_its_start()
    {
        (IReadOnlyList<SnapshotHandle?> inherited, bool isAtStart) = SnapshotHandle.Inherited(new Lease { LeaseKey = "0" });
        Assert.Empty(inherited);
        Assert.True(isAtStart);
    }

    /// <summary>The row of a child, as the table keeps it.</summary>
    private static Lease Child(Lease[] parents)
    {
        var child = new Lease
        {
            LeaseKey = "shardId-000000000009",
            Checkpoint = CheckpointPosition.TrimHorizon,
            Inherits = [.. parents.Select(static parent => SnapshotHandle.Inherit(parent, CheckpointPosition.TrimHorizon))],
        };
        return Lease.Read(child.LeaseKey, child.ToAttributes());
    }

    private static SnapshotHandle Any(Random random)
    {
        string? name = random.Next(5) == 0 ? null : $"{random.NextInt64():x16}/{random.Next()}";
        CheckpointPosition position = s_positions[random.Next(s_positions.Length)];
        return new SnapshotHandle(name, random.NextInt64(), random.Next(), SnapshotHandle.StampOf(position))
        {
            IsCommitted = random.Next(2) == 0,
            Seen = random.Next(3) == 0 ? null : DateTimeOffset.FromUnixTimeSeconds(random.NextInt64(200_000_000_000)),
            StreamTime = random.Next(3) == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(random.NextInt64(200_000_000_000_000)),
        };
    }
}
