using FastConsumer.Testing.Engine;

namespace FastConsumer.Testing.Tests.Engine;

/// <summary>Retention, encryption, enhanced monitoring, record size and distribution of a stream.</summary>
public sealed class SettingTests : EngineTest
{
    public static TheoryData<string> Updates() =>
        ["increase", "decrease", "start", "stop", "enable", "disable", "size", "mode", "warm", "distribution"];

    [Theory]
    [MemberData(nameof(Updates))]
    public void A_stream_that_is_not_active_is_not_changed(string update)
    {
        Refused(NotFound, () => Run(update));
        Engine.UpdateAccountSettings("ENABLED");
        Create(null, StreamModes.OnDemand);
        Engine.SplitAnyMode("s", "shardId-000000000000", null);
        Refused(InUse, () => Run(update), "UPDATING");
    }

    [Theory]
    [InlineData(23, Argument)]
    [InlineData(8761, Argument)]
    [InlineData(null, Validation)]
    public void Retention_periods_out_of_range_are_refused(int? hours, string errorCode)
    {
        Create();
        Refused(errorCode, () => Engine.IncreaseStreamRetentionPeriod(new RetentionRequest(S, hours)));
        Refused(errorCode, () => Engine.DecreaseStreamRetentionPeriod(new RetentionRequest(S, hours)));
    }

    [Fact]
    public void A_retention_period_goes_up_by_one_operation_and_down_by_the_other()
    {
        Create();
        Change(() => Increase(8760));
        Assert.Equal(8760, View().RetentionHours);
        Refused(Argument, () => Increase(8759), "DecreaseStreamRetentionPeriod");
        Change(() => Increase(8760));
        Change(() => Decrease(48));
        Assert.Equal(48, View().RetentionHours);
        Refused(Argument, () => Decrease(49), "IncreaseStreamRetentionPeriod");
        Change(() => Decrease(48));
    }

    [Fact]
    public void Records_and_closed_shards_are_kept_as_long_as_the_stream_says()
    {
        Create(2);
        Change(() => Increase(48));
        Put(explicitHashKey: "0");
        Change(() => Engine.MergeShards(new MergeShardsRequest(S, "shardId-000000000000", "shardId-000000000001")));
        Clock.Advance(TimeSpan.FromHours(47));
        Assert.Single(Read().Records);
        Assert.Equal(3, Engine.ListShards(new ListShardsRequest(S)).Shards.Count);

        Change(() => Decrease(24));
        Assert.Equal(
            "shardId-000000000002", Assert.Single(Engine.ListShards(new ListShardsRequest(S)).Shards).ShardId);
    }

    [Fact]
    public void What_has_expired_does_not_come_back_with_a_longer_period()
    {
        Create();
        Put();
        Clock.Advance(TimeSpan.FromHours(20));
        Put();
        Clock.Advance(TimeSpan.FromHours(5));
        Change(() => Increase(72));
        Assert.Single(Read().Records);
        Clock.Advance(TimeSpan.FromHours(66));
        Assert.Single(Read().Records);
        Clock.Advance(TimeSpan.FromHours(2));
        Assert.Empty(Read().Records);
    }

    [Fact]
    public void Records_say_whether_they_were_put_while_the_stream_was_encrypted()
    {
        Create();
        Assert.False(Put().IsEncrypted);
        Engine.StartStreamEncryption(Kms("alias/one"));
        Assert.False(Put().IsEncrypted);
        Assert.Null(View().KeyId);
        Clock.Advance(UpdateDelay);
        Assert.True(Put().IsEncrypted);
        Change(() => Engine.StartStreamEncryption(Kms("alias/two")));
        Assert.Equal("alias/two", View().KeyId);
        Change(() => Engine.StopStreamEncryption(Kms("alias/two")));
        Assert.Null(View().KeyId);
        Assert.False(Put().IsEncrypted);
        Assert.Equal([false, false, true, false], Read().Records.Select(static record => record.IsEncrypted));
    }

    [Theory]
    [InlineData("NONE", "key", Argument)]
    [InlineData("AES", "key", Validation)]
    [InlineData(null, "key", Validation)]
    [InlineData("KMS", null, Validation)]
    [InlineData("KMS", "", Validation)]
    public void Encryption_is_kms_with_a_key(string? type, string? key, string errorCode)
    {
        Create();
        Refused(errorCode, () => Engine.StartStreamEncryption(new EncryptionRequest(S, type, key)));
        Refused(errorCode, () => Engine.StopStreamEncryption(new EncryptionRequest(S, type, key)));
    }

    [Fact]
    public void Encryption_is_started_25_times_in_24_hours()
    {
        Create();
        for (int i = 0; i < 25; i++)
        {
            Change(() => Engine.StartStreamEncryption(Kms("key")));
        }

        Refused(Limit, () => Engine.StartStreamEncryption(Kms("key")), "25 times");
        Change(() => Engine.StopStreamEncryption(Kms("key")));
        Clock.Advance(TimeSpan.FromHours(24));
        Change(() => Engine.StartStreamEncryption(Kms("key")));
    }

    [Fact]
    public void Metrics_are_told_before_and_after()
    {
        Create();
        Change(() =>
        {
            MonitoringResult enabled = Engine.EnableEnhancedMonitoring(new MonitoringRequest(S, ["OutgoingBytes", "IncomingBytes"]));
            Assert.Empty(enabled.Current);
            Assert.Equal(["IncomingBytes", "OutgoingBytes"], enabled.Desired);
            Assert.Empty(View().ShardLevelMetrics);
        });
        Change(() => Assert.Equal(7, Engine.EnableEnhancedMonitoring(new MonitoringRequest(S, ["ALL"])).Desired.Count));
        Change(() =>
        {
            MonitoringResult disabled = Engine.DisableEnhancedMonitoring(new MonitoringRequest(S, ["IncomingBytes"]));
            Assert.Equal(7, disabled.Current.Count);
            Assert.DoesNotContain("IncomingBytes", disabled.Desired);
        });
        Assert.Equal(6, View().ShardLevelMetrics.Count);
        Change(() => Assert.Empty(Engine.DisableEnhancedMonitoring(new MonitoringRequest(S, ["ALL"])).Desired));

        Refused(Validation, () => Engine.EnableEnhancedMonitoring(new MonitoringRequest(S, null)));
        Refused(Validation, () => Engine.EnableEnhancedMonitoring(new MonitoringRequest(S, [])));
        Refused(Validation, () => Engine.EnableEnhancedMonitoring(new MonitoringRequest(S, ["Everything"])));
    }

    [Fact]
    public void The_largest_record_is_the_streams_own()
    {
        const int MiB = 1024 * 1024;
        Create();
        Assert.Equal(1024, View().MaxRecordKiB);
        Put(bytes: MiB);
        Refused(Validation, () => Put(bytes: MiB + 1), "1048576");
        Refused(Validation, () => Engine.UpdateMaxRecordSize(new UpdateMaxRecordSizeRequest(S, 1023)));
        Refused(Validation, () => Engine.UpdateMaxRecordSize(new UpdateMaxRecordSizeRequest(S, 10_241)));
        Refused(Validation, () => Engine.UpdateMaxRecordSize(new UpdateMaxRecordSizeRequest(S, null)));
        Change(() => Engine.UpdateMaxRecordSize(new UpdateMaxRecordSizeRequest(S, 2048)));
        Assert.Equal(2048, View().MaxRecordKiB);
        Put(bytes: 2 * MiB);
        Refused(Validation, () => Put(bytes: (2 * MiB) + 1));

        Engine.CreateStream(new CreateStreamRequest("large", 1) { MaxRecordSizeInKiB = 10_240 });
        Assert.Equal(10_240, Engine.DescribeStreamSummary(new StreamReference("large", null)).MaxRecordKiB);
        Refused(Validation, () => Engine.CreateStream(new CreateStreamRequest("larger", 1) { MaxRecordSizeInKiB = 10_241 }));
    }

    [Fact]
    public void Nothing_of_a_request_is_put_where_one_record_is_too_large()
    {
        Create();
        PutEntry[] entries = [new(new byte[1], "k"), new(new byte[(1024 * 1024) + 1], "k")];
        Refused(Validation, () => Engine.PutRecords(new PutRecordsRequest(S, entries)), "records.2.member.data");
        Assert.Empty(Read().Records);
    }

    [Fact]
    public void Distributed_evenly_records_need_no_key_and_ignore_what_they_have()
    {
        Create(null, StreamModes.OnDemand);
        Assert.Equal(RecordDistribution.UserPartitionKey, View().Distribution);
        Refused(Validation, () => Put(key: null), "partitionKey");
        Distribute(RecordDistribution.Auto);
        Assert.Equal((StreamStatus.Active, RecordDistribution.Auto), (View().Status, View().Distribution));
        string?[] shards = [.. Enumerable.Range(0, 8).Select(i => Put(i % 2 == 0 ? null : "same", i % 2 == 0 ? null : "0").ShardId)];
        Assert.All(shards.GroupBy(static shard => shard), static group => Assert.Equal(2, group.Count()));
        Assert.Equal(4, shards.Distinct().Count());
    }

    [Fact]
    public void Only_on_demand_streams_distribute_evenly()
    {
        Create();
        Assert.Null(View().Distribution);
        Refused(Argument, () => Distribute("AUTO"), "ON_DEMAND");
        Refused(Validation, () => Distribute("RANDOM"));
        Refused(Validation, () => Distribute(null));
        Refused(Argument, () => Engine.CreateStream(new CreateStreamRequest("a", 1) { RecordDistributionStrategy = "AUTO" }));
        Engine.CreateStream(new CreateStreamRequest("a", null, StreamModes.OnDemand) { RecordDistributionStrategy = "AUTO" });
        Assert.Equal("AUTO", Engine.DescribeStreamSummary(new StreamReference("a", null)).Distribution);
    }

    [Fact]
    public void A_dry_run_checks_and_does_nothing()
    {
        const string DryRun = "DryRunOperationException";
        Create();
        var entry = new PutEntry([1], "k");
        Refused(DryRun, () => Engine.PutRecord(new PutRecordRequest(S, entry, DryRun: true)));
        Refused(DryRun, () => Engine.PutRecords(new PutRecordsRequest(S, [entry], DryRun: true)));
        Refused(NotFound, () => Engine.PutRecord(new PutRecordRequest(new StreamReference("other", null), entry, DryRun: true)));
        Refused(Validation, () => Engine.PutRecord(new PutRecordRequest(S, new PutEntry([1], null), DryRun: true)));
        Assert.Empty(Read().Records);

        const string Shard = "shardId-000000000000";
        Refused(DryRun, () => Engine.GetShardIterator(new GetShardIteratorRequest(S, Shard, "LATEST", DryRun: true)));
        Refused(Validation, () => Engine.GetShardIterator(new GetShardIteratorRequest(S, Shard, "NEVER", DryRun: true)));
        string iterator = Engine.GetShardIterator(new GetShardIteratorRequest(S, Shard, "LATEST"));
        Refused(DryRun, () => Engine.GetRecords(new GetRecordsRequest(iterator, DryRun: true)));

        string consumer = Engine.RegisterStreamConsumer(new RegisterStreamConsumerRequest(Arn(), "c")).Arn;
        Clock.Advance(TimeSpan.FromSeconds(10));
        Refused(
            DryRun,
            () => Engine.SubscribeToShard(new SubscribeToShardRequest(consumer, Shard, "LATEST", DryRun: true), static () => { }));
        Engine.SubscribeToShard(new SubscribeToShardRequest(consumer, Shard, "LATEST"), static () => { });
    }

    private void Run(string update)
    {
        switch (update)
        {
            case "increase":
                Increase(25);
                break;
            case "decrease":
                Decrease(24);
                break;
            case "start":
                Engine.StartStreamEncryption(Kms("key"));
                break;
            case "stop":
                Engine.StopStreamEncryption(Kms("key"));
                break;
            case "enable":
                Engine.EnableEnhancedMonitoring(new MonitoringRequest(S, ["ALL"]));
                break;
            case "disable":
                Engine.DisableEnhancedMonitoring(new MonitoringRequest(S, ["ALL"]));
                break;
            case "size":
                Engine.UpdateMaxRecordSize(new UpdateMaxRecordSizeRequest(new StreamReference(null, Arn()), 2048));
                break;
            case "mode":
                Engine.UpdateStreamMode(new UpdateStreamModeRequest(Arn(), StreamModes.Provisioned));
                break;
            case "warm":
                Engine.UpdateStreamWarmThroughput(new UpdateWarmThroughputRequest(S, 5));
                break;
            default:
                Distribute(RecordDistribution.Auto);
                break;
        }
    }

    private void Distribute(string? strategy) =>
        Engine.UpdateStreamRecordDistributionStrategy(new UpdateRecordDistributionRequest(Arn(), strategy));

    private void Increase(int hours) => Engine.IncreaseStreamRetentionPeriod(new RetentionRequest(S, hours));

    private void Decrease(int hours) => Engine.DecreaseStreamRetentionPeriod(new RetentionRequest(S, hours));

    private static EncryptionRequest Kms(string key) => new(S, "KMS", key);
}
