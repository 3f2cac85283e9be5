using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Operators;

namespace FastConsumer.Tests.Leases;

/// <summary>A write of a row of up to 1,024 bytes costs one write unit: how large rows become.</summary>
public sealed class LeaseRowSizeTests
{
    private const int WriteUnit = 1_024;

    /// <summary>
    /// The largest usual row: a host's name of 63 characters, a notification, two parents, and what belongs to state. A row has what it
    /// inherits or a snapshot, never both. Without report, standing and decision.
    /// </summary>
    /// <param name="inherits">True for a child before its first snapshot.</param>
    /// <param name="expected">The bytes.</param>
    [Theory]
    [InlineData(false, 970)]
    [InlineData(true, 1_020)]
    public void A_row_with_state_costs_one_write_unit(bool inherits, int expected)
    {
        int size = SizeOf(Largest(inherits));
        Assert.Equal(expected, size);
        Assert.True(size <= WriteUnit, $"{size} bytes");
    }

    /// <summary>What is known to be too large: a decision, as long as it stays.</summary>
    [Fact]
    public void A_decision_makes_the_largest_rows_cost_two() =>
        Assert.Equal(1_213, SizeOf(Largest(inherits: false) with { Decision = OperatorNotes.Write(s_decision) }));

    [Fact]
    public void What_belongs_to_state_is_a_tenth_of_it()
    {
        Lease row = Largest(inherits: false);
        Lease child = Largest(inherits: true);
        Lease plain = row with { Snapshot = null, StateVersion = 0, Lineage = null };
        Assert.Equal(110, SizeOf(row) - SizeOf(plain));
        Assert.Equal(160, SizeOf(child) - SizeOf(plain));
    }

    private static int SizeOf(Lease row) => Lease.Read(row.LeaseKey, row.ToAttributes()).SizeWithout("");

    private static readonly DecidedRecord s_decision = new()
    {
        Id = "0123456789abcdef",
        Position = "49590338271490256608559692538361571095921575989136588898:12",
        Decision = RecordDecision.Skip,
        By = "jane.doe@example.com",
        Reason = "poison record, see ticket OPS-1234",
        At = DateTimeOffset.FromUnixTimeSeconds(1_780_000_000),
    };

    private static Lease Largest(bool inherits)
    {
        string host = new('h', 63);
        string worker = $"{host}-1234567-0123abcd";
        var handle = new SnapshotHandle("0123456789abcdef/1234567", 8_388_607, 65_535, "0badf00d")
        {
            Seen = DateTimeOffset.FromUnixTimeSeconds(1_780_000_000),
            StreamTime = DateTimeOffset.FromUnixTimeMilliseconds(1_780_000_000_123),
        };
        Lease parent = new() { LeaseKey = "shardId-000000012345", Snapshot = handle.ToString() };
        return new Lease
        {
            LeaseKey = "shardId-000000012346",
            LeaseCounter = 1_234_567,
            LeaseOwner = worker,
            TakenBy = worker,
            Session = Lease.SessionOf("1234567-0123456789abcdef", 1_234_000),
            Duration = TimeSpan.FromSeconds(30),
            Notification = $"{worker}/0123456789abcdef",
            Checkpoint = CheckpointPosition.Parse("49590338271490256608559692538361571095921575989136588898", 12),
            ParentShardIds = ["shardId-000000012344", "shardId-000000012345"],
            HashKeyRange = new HashKeyRange(UInt128.MaxValue / 2, UInt128.MaxValue),
            StartedAt = DateTimeOffset.FromUnixTimeMilliseconds(1_780_000_000_123),
            StreamCreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(1_780_000_000_123),
            StreamName = "orders-production",
            Throughput = 1234.567,
            Snapshot = inherits ? null : handle.ToString(),
            Inherits = inherits
                ? [
                    SnapshotHandle.Inherit(parent, CheckpointPosition.TrimHorizon),
                    SnapshotHandle.Inherit(parent with { LeaseKey = "shardId-000000012344" }, CheckpointPosition.TrimHorizon),
                ]
                : [],
            StateVersion = 12,
            Lineage = "0123456789abcdef.01234567",
        };
    }
}
