using FastConsumer.Kinesis;
using FastConsumer.Leases;

namespace FastConsumer.Tests.Leases;

public sealed class LeaseRowTests
{
    private const string Key = "shardId-000000000001";
    private const string Sequence = "49680713529201517878809191871356065882721896311151394834";

    [Fact]
    public void A_row_is_read_with_all_its_attributes()
    {
        Lease lease = Lease.Read(Key, Row(("leaseOwner", "a"), ("other", "kept")));

        Assert.Null(lease.Problem);
        Assert.Equal((Key, 7, "a"), (lease.LeaseKey, lease.LeaseCounter, lease.LeaseOwner));
        Assert.Equal(CheckpointPosition.At(SequenceNumber.Parse(Sequence), 22), lease.Checkpoint);
        Assert.Equal("kept", lease.Attributes["other"]);
    }

    [Fact]
    public void What_was_read_is_written_as_it_was()
    {
        Dictionary<string, Lease.Value> row = Row(
            ("leaseKey", Key),
            ("other", Lease.Value.FromBytes([1, 2])),
            ("fastConsumerThroughput", Lease.Value.FromNumber("1.50")),
            ("fastConsumerSession", "p/9"),
            ("fastConsumerDuration", "8/10000"),
            ("parentShardId", Lease.Value.FromStrings(["x"])),
            ("pendingCheckpointState", Lease.Value.FromBytes([3])));

        Assert.Equal(row.OrderBy(static pair => pair.Key), Lease.Read(Key, row).ToAttributes().OrderBy(static pair => pair.Key));
    }

    [Fact]
    public void A_changed_property_changes_its_attribute_alone()
    {
        Lease read = Lease.Read(Key, Row(("leaseKey", Key), ("other", "kept"), ("leaseOwner", "a"), ("pendingCheckpoint", "5")));

        IReadOnlyDictionary<string, Lease.Value> row =
            (read with { LeaseCounter = 8, LeaseOwner = null, HasPendingCheckpoint = false, ChildShardIds = ["z", "y"] }).ToAttributes();

        Dictionary<string, Lease.Value> expected = Row(
            ("leaseKey", Key), ("other", "kept"), ("leaseCounter", 8), ("childShardIds", Lease.Value.FromStrings(["y", "z"])));
        Assert.Equal(expected.OrderBy(static pair => pair.Key), row.OrderBy(static pair => pair.Key));
    }

    [Fact]
    public void A_new_lease_is_a_whole_row_as_KCL_has_it()
    {
        var lease = new Lease
        {
            LeaseKey = Key,
            Checkpoint = CheckpointPosition.TrimHorizon,
            HashKeyRange = new HashKeyRange(0, UInt128.MaxValue),
            ParentShardIds = ["p"],
            Session = "process/0",
            Duration = TimeSpan.FromSeconds(3),
        };

        IReadOnlyDictionary<string, Lease.Value> row = lease.ToAttributes();

        Assert.Equal(Key, row["leaseKey"]);
        Assert.Equal(0, row["leaseCounter"]);
        Assert.Equal(0, row["ownerSwitchesSinceCheckpoint"]);
        Assert.Equal("TRIM_HORIZON", row["checkpoint"]);
        Assert.Equal(0, row["checkpointSubSequenceNumber"]);
        Assert.Equal("LEASE", row["entityType"]);
        Assert.Equal(Lease.Value.FromStrings(["p"]), row["parentShardId"]);
        Assert.Equal("0", row["startingHashKey"]);
        Assert.Equal("340282366920938463463374607431768211455", row["endingHashKey"]);
        Assert.Equal("0/3000", row["fastConsumerDuration"]);
        Assert.Equal(11, row.Count);
        Assert.Equal(lease, Lease.Read(Key, row));
    }

    [Theory]
    [InlineData("p/12", "12/10000", 10_000)]
    [InlineData("a/b/12", "12/1", 1)]
    [InlineData("p/13", "12/10000", null)] // a version without the attribute took the lease since
    [InlineData(null, "12/10000", null)]
    [InlineData("p", "12/10000", null)]
    [InlineData("p/12", "12/0", null)]
    [InlineData("p/12", "12/-5", null)]
    [InlineData("p/12", "12/99999999999999999999", null)]
    [InlineData("p/12", "12/86400001", null)]
    [InlineData("p/12", "12", null)]
    [InlineData("p/", "/10000", null)]
    public void A_duration_is_believed_only_beside_the_session_of_its_epoch(string? session, string duration, int? milliseconds)
    {
        Dictionary<string, Lease.Value> row = Row(("fastConsumerDuration", duration));
        if (session is not null)
        {
            row["fastConsumerSession"] = session;
        }

        Lease lease = Lease.Read(Key, row);

        Assert.Null(lease.Problem);
        Assert.Equal(milliseconds, (int?)lease.Duration?.TotalMilliseconds);
    }

    public static TheoryData<string, Lease.Value?, string> BadAttributes => new()
    {
        { "leaseCounter", null, "it has no leaseCounter. Where the other attributes are right, set leaseCounter to 0 (N)." },
        { "leaseCounter", "7", "leaseCounter is the string '7', where a whole number (N) is expected." },
        { "leaseCounter", Lease.Value.FromNumber("1.5"), "leaseCounter is the number 1.5, where a whole number (N) is expected." },
        { "leaseCounter", Lease.Value.FromNumber("99999999999999999999"), "leaseCounter is the number 99999999999999999999, where" },
        { "checkpoint", null, "it has no checkpoint; a sequence number, TRIM_HORIZON, LATEST, AT_TIMESTAMP or SHARD_END is expected (S)." },
        { "checkpoint", "hello",
            "checkpoint is 'hello', where a sequence number, TRIM_HORIZON, LATEST, AT_TIMESTAMP or SHARD_END is expected." },
        { "checkpoint", 5, "checkpoint is the number 5, where a string (S) is expected." },
        { "checkpointSubSequenceNumber", "x", "checkpointSubSequenceNumber is the string 'x', where a whole number (N) is expected." },
        { "leaseOwner", 1, "leaseOwner is the number 1, where a string (S) is expected." },
        { "checkpointOwner", Lease.Value.FromBoolean(true), "checkpointOwner is the Boolean True, where a string (S) is expected." },
        { "parentShardId", "x", "parentShardId is the string 'x', where a set of strings (SS) is expected." },
        { "childShardIds", Lease.Value.FromOther(new object()),
            "childShardIds is of another type, where a set of strings (SS) is expected." },
        { "startingHashKey", "0x5", "startingHashKey is '0x5', where a 128-bit number is expected." },
        { "endingHashKey", "-1", "endingHashKey is '-1', where a 128-bit number is expected." },
        { "fastConsumerStartedAt", "today", "fastConsumerStartedAt is the string 'today', where a whole number (N) is expected." },
        { "fastConsumerStreamCreatedAt", long.MaxValue,
            "fastConsumerStreamCreatedAt is 9223372036854775807, where milliseconds since 1970" },
    };

    [Theory]
    [MemberData(nameof(BadAttributes))]
    public void What_cannot_be_read_is_named_with_its_remedy(string name, Lease.Value? value, string problem)
    {
        Dictionary<string, Lease.Value> row = Row();
        row.Remove(name);
        if (value is { } bad)
        {
            row[name] = bad;
        }

        Lease lease = Lease.Read(Key, row);

        Assert.StartsWith($"The row '{Key}' cannot be read as a lease: {problem}", lease.Problem);
        Assert.EndsWith("Correct the row, or delete it if its shard may be read from the start position again.", lease.Problem);
        Assert.False(lease.IsFinished);
        Assert.Same(row, lease.ToAttributes());
    }

    [Fact]
    public void All_that_is_wrong_is_named()
    {
        Lease lease = Lease.Read(Key, new Dictionary<string, Lease.Value>());

        Assert.Contains("it has no leaseCounter", lease.Problem);
        Assert.Contains("Also, it has no checkpoint", lease.Problem);
    }

    [Fact]
    public void What_only_helps_stops_no_shard()
    {
        Lease lease = Lease.Read(
            Key,
            Row(("fastConsumerRing", 1), ("fastConsumerThroughput", "fast"), ("fastConsumerRequestedBy", 1), ("fastConsumerTakenBy", 1),
                ("fastConsumerSession", 1)));

        Assert.Null(lease.Problem);
        Assert.Null(lease.Notification ?? lease.RequestedBy ?? lease.TakenBy ?? lease.Session);
        Assert.Null(lease.Throughput);
    }

    [Theory]
    [InlineData(Key, "leaseCounter", true)]
    [InlineData("x", "leaseCounter", true)]
    [InlineData("x", "checkpoint", true)]
    [InlineData(Key, "other", true)] // its shard could not be leased otherwise, and nobody would say why
    [InlineData("x", "other", false)]
    public void Rows_without_a_type_are_told_by_what_they_hold(string key, string attribute, bool isLease) =>
        Assert.Equal(isLease, Lease.IsLease(key, new Dictionary<string, Lease.Value> { [attribute] = 1 }));

    [Theory]
    [InlineData("LEASE", true)]
    [InlineData("LEADER", false)]
    [InlineData("WORKER_METRIC_STATS", false)]
    public void The_type_decides_where_there_is_one(string type, bool isLease) =>
        Assert.Equal(isLease, Lease.IsLease(Key, Row(("entityType", type))));

    [Fact]
    public void Numbers_are_equal_by_value()
    {
        Assert.Equal(Lease.Value.FromNumber("1"), Lease.Value.FromNumber("1.0"));
        Assert.Equal(Lease.Value.FromNumber("1").GetHashCode(), Lease.Value.FromNumber("1.0").GetHashCode());
        Assert.NotEqual(
            Lease.Value.FromNumber("12345678901234567890123456789012345678"),
                Lease.Value.FromNumber("12345678901234567890123456789012345679"));
        Assert.NotEqual<Lease.Value>("1", 1);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" 1")]
    [InlineData("NaN")]
    [InlineData("1,5")]
    public void A_number_is_decimal(string text) => Assert.Throws<FormatException>(() => Lease.Value.FromNumber(text));

    [Fact]
    public void No_value_is_null()
    {
        Assert.Throws<ArgumentNullException>(static () => Lease.Value.FromString(null!));
        Assert.Null(Lease.Value.Optional(default(string)));
        Assert.Throws<ArgumentOutOfRangeException>(static () => Lease.Value.FromDouble(double.NaN));
    }

    private static Dictionary<string, Lease.Value> Row(params (string Name, Lease.Value Value)[] more)
    {
        var row = new Dictionary<string, Lease.Value>
        {
            ["leaseCounter"] = 7,
            ["ownerSwitchesSinceCheckpoint"] = 0,
            ["checkpoint"] = Sequence,
            ["checkpointSubSequenceNumber"] = 22,
        };
        foreach ((string name, Lease.Value value) in more)
        {
            row[name] = value;
        }

        return row;
    }
}
