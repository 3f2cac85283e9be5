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
    /// <param name="host">The characters of the host's name: DNS allows 63.</param>
    /// <param name="hasLongSession">
    /// True for a process's name as the host makes it today; false for one of 11 characters, which is enough for 64 bits.
    /// </param>
    /// <param name="inherits">True for a child before its first snapshot.</param>
    /// <param name="expected">The bytes.</param>
    [Theory]
    [InlineData(63, false, false, 957)]
    [InlineData(63, false, true, 1_007)]
    [InlineData(60, true, false, 1_022)]
    [InlineData(47, true, true, 1_020)]
    public void A_row_with_state_costs_one_write_unit(int host, bool hasLongSession, bool inherits, int expected)
    {
        int size = SizeOf(Largest(host, hasLongSession, inherits));
        Assert.Equal(expected, size);
        Assert.True(size <= WriteUnit, $"{size} bytes");
    }

    /// <summary>What is known to be too large: the name of the process, which is in each row, and a decision, as long as it stays.</summary>
    [Theory]
    [InlineData(true, false, false, 1_034)]
    [InlineData(true, true, false, 1_084)]
    [InlineData(false, false, true, 1_200)]
    public void The_largest_rows_cost_two(bool hasLongSession, bool inherits, bool hasDecision, int expected)
    {
        Lease row = Largest(63, hasLongSession, inherits);
        Assert.Equal(expected, SizeOf(hasDecision ? row with { Decision = OperatorNotes.Write(s_decision) } : row));
    }

    [Fact]
    public void What_belongs_to_state_is_a_tenth_of_it()
    {
        Lease row = Largest(63, false, false);
        Lease child = Largest(63, false, true);
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

    private static Lease Largest(int length, bool hasLongSession, bool inherits)
    {
        string host = new('h', length);
        string worker = $"{host}-1234567-0123abcd";
        string session = hasLongSession ? $"{host}-1234567-0123456789abcdef" : "abcdefghijk";
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
            Session = Lease.SessionOf(session, 1_234_000),
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
