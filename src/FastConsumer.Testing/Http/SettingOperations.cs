using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Http.Codecs;

namespace FastConsumer.Testing.Http;

/// <summary>The operations about a stream's settings, tags and policies, and about the account.</summary>
internal static class SettingOperations
{
    public static IEnumerable<KeyValuePair<string, Func<KinesisEngine, RequestMap, Answer?>>> All { get; } =
    [
        new("IncreaseStreamRetentionPeriod", Done(static (engine, request) => engine.IncreaseStreamRetentionPeriod(Retention(request)))),
        new("DecreaseStreamRetentionPeriod", Done(static (engine, request) => engine.DecreaseStreamRetentionPeriod(Retention(request)))),
        new("StartStreamEncryption", Done(static (engine, request) => engine.StartStreamEncryption(Encryption(request)))),
        new("StopStreamEncryption", Done(static (engine, request) => engine.StopStreamEncryption(Encryption(request)))),
        new("EnableEnhancedMonitoring", EnableEnhancedMonitoring),
        new("DisableEnhancedMonitoring", DisableEnhancedMonitoring),
        new("UpdateMaxRecordSize", Done(static (engine, request) => engine.UpdateMaxRecordSize(
            new UpdateMaxRecordSizeRequest(Operations.Stream(request), request.Integer("MaxRecordSizeInKiB"))))),
        new("UpdateShardCount", UpdateShardCount),
        new("UpdateStreamMode", Done(static (engine, request) => engine.UpdateStreamMode(new UpdateStreamModeRequest(
            request.Text("StreamARN"),
            request.Map("StreamModeDetails")?.Text("StreamMode"),
            request.Integer("WarmThroughputMiBps"))))),
        new("UpdateStreamWarmThroughput", UpdateStreamWarmThroughput),
        new("UpdateStreamRecordDistributionStrategy", Done(static (engine, request) => engine.UpdateStreamRecordDistributionStrategy(
            new UpdateRecordDistributionRequest(request.Text("StreamARN"), request.Text("RecordDistributionStrategy"))))),
        new("AddTagsToStream", Done(static (engine, request) => engine.AddTagsToStream(
            new AddTagsToStreamRequest(Operations.Stream(request), request.TextMap("Tags"))))),
        new("RemoveTagsFromStream", Done(static (engine, request) => engine.RemoveTagsFromStream(
            new RemoveTagsFromStreamRequest(Operations.Stream(request), request.Texts("TagKeys"))))),
        new("ListTagsForStream", ListTagsForStream),
        new("TagResource", Done(static (engine, request) => engine.TagResource(Resource(request), request.TextMap("Tags")))),
        new("UntagResource", Done(static (engine, request) => engine.UntagResource(Resource(request), request.Texts("TagKeys")))),
        new("ListTagsForResource", ListTagsForResource),
        new("PutResourcePolicy", Done(static (engine, request) => engine.PutResourcePolicy(Resource(request), request.Text("Policy")))),
        new("GetResourcePolicy", GetResourcePolicy),
        new("DeleteResourcePolicy", Done(static (engine, request) => engine.DeleteResourcePolicy(Resource(request)))),
        new("DescribeLimits", DescribeLimits),
        new("DescribeAccountSettings", DescribeAccountSettings),
        new("UpdateAccountSettings", UpdateAccountSettings),
    ];

    private static Answer EnableEnhancedMonitoring(KinesisEngine engine, RequestMap request)
    {
        MonitoringResult result = engine.EnableEnhancedMonitoring(Monitoring(request));
        return new Answer(writer => SettingAnswers.EnhancedMonitoring(writer, result));
    }

    private static Answer DisableEnhancedMonitoring(KinesisEngine engine, RequestMap request)
    {
        MonitoringResult result = engine.DisableEnhancedMonitoring(Monitoring(request));
        return new Answer(writer => SettingAnswers.EnhancedMonitoring(writer, result));
    }

    private static Answer UpdateShardCount(KinesisEngine engine, RequestMap request)
    {
        UpdateShardCountResult result = engine.UpdateShardCount(new UpdateShardCountRequest(
            Operations.Stream(request), request.Integer("TargetShardCount"), request.Text("ScalingType")));
        return new Answer(writer => SettingAnswers.UpdateShardCount(writer, result));
    }

    private static Answer UpdateStreamWarmThroughput(KinesisEngine engine, RequestMap request)
    {
        UpdateWarmThroughputResult result = engine.UpdateStreamWarmThroughput(
            new UpdateWarmThroughputRequest(Operations.Stream(request), request.Integer("WarmThroughputMiBps")));
        return new Answer(writer => SettingAnswers.UpdateStreamWarmThroughput(writer, result));
    }

    private static Answer ListTagsForStream(KinesisEngine engine, RequestMap request)
    {
        ListTagsForStreamResult result = engine.ListTagsForStream(new ListTagsForStreamRequest(
            Operations.Stream(request), request.Integer("Limit"), request.Text("ExclusiveStartTagKey")));
        return new Answer(writer => SettingAnswers.ListTagsForStream(writer, result));
    }

    private static Answer ListTagsForResource(KinesisEngine engine, RequestMap request)
    {
        IReadOnlyList<KeyValuePair<string, string>> tags = engine.ListTagsForResource(Resource(request));
        return new Answer(writer => SettingAnswers.ListTagsForResource(writer, tags));
    }

    private static Answer GetResourcePolicy(KinesisEngine engine, RequestMap request)
    {
        string policy = engine.GetResourcePolicy(Resource(request));
        return new Answer(writer => SettingAnswers.GetResourcePolicy(writer, policy));
    }

    private static Answer DescribeLimits(KinesisEngine engine, RequestMap request)
    {
        DescribeLimitsResult limits = engine.DescribeLimits();
        return new Answer(writer => SettingAnswers.DescribeLimits(writer, limits));
    }

    private static Answer DescribeAccountSettings(KinesisEngine engine, RequestMap request)
    {
        CommitmentView commitment = engine.DescribeAccountSettings();
        return new Answer(writer => SettingAnswers.AccountSettings(writer, commitment));
    }

    private static Answer UpdateAccountSettings(KinesisEngine engine, RequestMap request)
    {
        CommitmentView commitment = engine.UpdateAccountSettings(request.Map("MinimumThroughputBillingCommitment")?.Text("Status"));
        return new Answer(writer => SettingAnswers.AccountSettings(writer, commitment));
    }

    /// <summary>An operation whose answer is empty.</summary>
    private static Func<KinesisEngine, RequestMap, Answer?> Done(Action<KinesisEngine, RequestMap> run) => (engine, request) =>
    {
        run(engine, request);
        return null;
    };

    private static RetentionRequest Retention(RequestMap request) =>
        new(Operations.Stream(request), request.Integer("RetentionPeriodHours"));

    private static EncryptionRequest Encryption(RequestMap request) =>
        new(Operations.Stream(request), request.Text("EncryptionType"), request.Text("KeyId"));

    private static MonitoringRequest Monitoring(RequestMap request) =>
        new(Operations.Stream(request), request.Texts("ShardLevelMetrics"));

    private static string? Resource(RequestMap request) => request.Text("ResourceARN");
}
