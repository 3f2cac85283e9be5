namespace FastConsumer.Testing.Engine;

internal sealed partial class KinesisEngine
{
    private const int LeastRetentionHours = 24;
    private const int MostRetentionHours = 365 * 24;

    /// <summary>In the order in which the service lists them.</summary>
    private static readonly string[] ShardLevelMetrics =
    [
        "IncomingBytes",
        "IncomingRecords",
        "OutgoingBytes",
        "OutgoingRecords",
        "WriteProvisionedThroughputExceeded",
        "ReadProvisionedThroughputExceeded",
        "IteratorAgeMilliseconds",
    ];

    /// <summary>Keeps records longer. The present period is accepted too: the first call of Terraform sends it.</summary>
    public void IncreaseStreamRetentionPeriod(RetentionRequest request)
    {
        int hours = Retention(request);
        using StreamScope scope = Enter(request.Stream);
        StreamState stream = scope.Stream;
        RequireActive(stream);
        if (hours < stream.RetentionHours)
        {
            throw EngineException.InvalidArgument($"The retention period of stream {stream.Name} is {stream.RetentionHours} hours, more "
                + $"than the {hours} that are requested: DecreaseStreamRetentionPeriod makes it shorter.");
        }

        stream.Update(EndOfUpdate(scope), atMs => stream.SetRetention(hours, atMs));
    }

    /// <summary>Keeps records for a shorter time; what is older is gone at once.</summary>
    public void DecreaseStreamRetentionPeriod(RetentionRequest request)
    {
        int hours = Retention(request);
        using StreamScope scope = Enter(request.Stream);
        StreamState stream = scope.Stream;
        RequireActive(stream);
        if (hours > stream.RetentionHours)
        {
            throw EngineException.InvalidArgument($"The retention period of stream {stream.Name} is {stream.RetentionHours} hours, less "
                + $"than the {hours} that are requested: IncreaseStreamRetentionPeriod makes it longer.");
        }

        stream.Update(EndOfUpdate(scope), atMs => stream.SetRetention(hours, atMs));
    }

    /// <summary>Records that are put from the end of the update on say that they are encrypted. No key is asked for.</summary>
    public void StartStreamEncryption(EncryptionRequest request)
    {
        RequireEncryption(request);
        using StreamScope scope = Enter(request.Stream);
        StreamState stream = scope.Stream;
        RequireActive(stream);
        Take(stream, stream.EncryptionStarts, "StartStreamEncryption", scope.NowMs);
        stream.Update(EndOfUpdate(scope), _ => stream.KeyId = request.KeyId);
    }

    /// <summary>Records that are put from the end of the update on say no more that they are encrypted.</summary>
    public void StopStreamEncryption(EncryptionRequest request)
    {
        RequireEncryption(request);
        using StreamScope scope = Enter(request.Stream);
        StreamState stream = scope.Stream;
        RequireActive(stream);
        Take(stream, stream.EncryptionStops, "StopStreamEncryption", scope.NowMs);
        stream.Update(EndOfUpdate(scope), _ => stream.KeyId = null);
    }

    public MonitoringResult EnableEnhancedMonitoring(MonitoringRequest request) =>
        Monitor(request, static (before, named) => before.Union(named));

    public MonitoringResult DisableEnhancedMonitoring(MonitoringRequest request) =>
        Monitor(request, static (before, named) => before.Except(named));

    public void UpdateMaxRecordSize(UpdateMaxRecordSizeRequest request)
    {
        int kibibytes = RequestRules.Required(request.MaxRecordSizeInKiB, "maxRecordSizeInKiB", LeastMaxRecordKiB, MostMaxRecordKiB);
        using StreamScope scope = Enter(request.Stream);
        StreamState stream = scope.Stream;
        RequireActive(stream);
        stream.Update(EndOfUpdate(scope), _ => stream.MaxRecordBytes = kibibytes * 1024);
    }

    private MonitoringResult Monitor(
        MonitoringRequest request, Func<IReadOnlyList<string>, IReadOnlyList<string>, IEnumerable<string>> change)
    {
        RequestRules.Count(request.ShardLevelMetrics?.Count, "shardLevelMetrics", 1, ShardLevelMetrics.Length);
        foreach (string metric in request.ShardLevelMetrics!)
        {
            RequestRules.OneOf(metric, "shardLevelMetrics.member", [.. ShardLevelMetrics, "ALL"]);
        }

        IReadOnlyList<string> named = request.ShardLevelMetrics.Contains("ALL") ? ShardLevelMetrics : request.ShardLevelMetrics;
        using StreamScope scope = Enter(request.Stream);
        StreamState stream = scope.Stream;
        RequireActive(stream);
        IReadOnlyList<string> before = stream.ShardLevelMetrics;
        HashSet<string> changed = [.. change(before, named)];
        string[] after = [.. ShardLevelMetrics.Where(changed.Contains)];
        stream.Update(EndOfUpdate(scope), _ => stream.ShardLevelMetrics = after);
        return new MonitoringResult(stream.Name, stream.Arn, before, after);
    }

    private static int Retention(RetentionRequest request) => request.RetentionPeriodHours switch
    {
        null => throw EngineException.Missing("retentionPeriodHours"),
        < LeastRetentionHours or > MostRetentionHours => throw EngineException.InvalidArgument(
            $"The requested retention period of {request.RetentionPeriodHours} hours is out of range: {LeastRetentionHours} to "
                + $"{MostRetentionHours} hours are allowed."),
        { } hours => hours,
    };

    private static void RequireEncryption(EncryptionRequest request)
    {
        RequestRules.Length(request.KeyId, "keyId", 1, 2048);
        if (RequestRules.OneOf(request.EncryptionType, "encryptionType", ["NONE", "KMS"]) == "NONE")
        {
            throw EngineException.InvalidArgument("The encryption type cannot be NONE: KMS is started and stopped.");
        }
    }

    private static void Take(StreamState stream, DailyAllowance allowance, string operation, long nowMs)
    {
        if (!allowance.TryTake(nowMs))
        {
            throw EngineException.LimitExceeded(
                $"{operation} has succeeded {allowance.Most} times for stream {stream.Name} in the last 24 hours: no more are allowed.");
        }
    }

    private long EndOfUpdate(StreamScope scope) => scope.NowMs + Milliseconds(_settings.UpdateDelay);
}
