using System.Globalization;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Options;

namespace FastConsumer.Hosting;

/// <summary>Refuses options that cannot work, at start, naming the setting, its value and what is allowed.</summary>
internal static class SettingsValidation
{
    private const string ConsumerNames = "1 to 128 of letters, digits, '_', '.' and '-'";
    private const string Waits = "more than zero to 1.00:00:00";
    private const string Pauses = "00:00:00 to 1.00:00:00";

    private static readonly TimeSpan s_shortestPoll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_longestPoll = TimeSpan.FromMinutes(4);
    // above some 49 days timers refuse to wait
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(1);

    public static ValidateOptionsResult Validate(FastConsumerOptions options, string section)
    {
        var checks = new Checks(section);
        Shared(options, checks);
        checks.That(options.PrefetchBytes > 0, nameof(options.PrefetchBytes), options.PrefetchBytes, "more than 0 bytes");
        checks.That(
            options.StopTimeout > FastConsumerOptions.ReleaseTime && options.StopTimeout <= s_longest,
            nameof(options.StopTimeout),
            options.StopTimeout,
            "more than 00:00:03, which are kept for releasing leases, to 1.00:00:00");
        checks.That(
            options.MaxHandlerThreads is >= 1 and <= 10_000,
            nameof(options.MaxHandlerThreads),
            options.MaxHandlerThreads,
            "1 to 10,000 threads");
        checks.That(
            options.WorkerId is null || options.WorkerId.Trim().Length > 0,
            nameof(options.WorkerId),
            options.WorkerId,
            "a name that is not blank");
        Operations(options, checks);
        return checks.Result;
    }

    private static void Operations(FastConsumerOptions options, Checks checks)
    {
        foreach ((string id, FindingOptions finding) in options.Findings)
        {
            if (FindingRules.Find(id) is null)
            {
                string question = ConfigurationKeys.Nearest(id, FindingRules.All.Select(static rule => rule.Id)) is { } nearest
                    ? $" Did you mean {nearest}?"
                    : "";
                checks.Fail($"{checks.Section}:Findings:{id} is not a finding; see docs/findings.{question}");
            }

            checks.That(
                finding.RaiseAfter is null || (finding.RaiseAfter >= TimeSpan.Zero && finding.RaiseAfter <= s_longest),
                $"Findings:{id}:RaiseAfter",
                finding.RaiseAfter,
                "00:00:00 to 1.00:00:00");
            checks.That(
                finding.Severity is null || Enum.IsDefined(finding.Severity.Value),
                $"Findings:{id}:Severity",
                finding.Severity,
                "Information, Degraded or Unhealthy");
        }

        TelemetryOptions telemetry = options.Telemetry;
        checks.That(Enum.IsDefined(telemetry.ShardTags), "Telemetry:ShardTags", telemetry.ShardTags, "All or None");
        checks.That(
            telemetry.TraceParentProperty is not "",
            "Telemetry:TraceParentProperty",
            telemetry.TraceParentProperty,
            "the name of a property");
        LagOptions lag = options.Lag;
        checks.That(lag.DegradedAt is > 0 and <= 1, "Lag:DegradedAt", lag.DegradedAt, "more than 0 to 1");
        checks.That(lag.UnhealthyAt is > 0 and <= 1, "Lag:UnhealthyAt", lag.UnhealthyAt, "more than 0 to 1");
        checks.That(lag.UnhealthyBeforeLoss >= TimeSpan.Zero, "Lag:UnhealthyBeforeLoss", lag.UnhealthyBeforeLoss, "00:00:00 or more");
    }

    public static ValidateOptionsResult Validate(
        ProcessorOptions options, FastConsumerOptions consumer, ProcessorRegistration processor, string section)
    {
        var checks = new Checks(section);
        Shared(options, checks);
        string? application = options.ApplicationName ?? consumer.ApplicationName;
        if (string.IsNullOrWhiteSpace(application))
        {
            string consumerSection = section[..section.IndexOf(":Processors", StringComparison.Ordinal)];
            checks.Fail(
                $"{processor.Name} has no application name: set {consumerSection}:ApplicationName or "
                    + "AddFastConsumer(options => options.ApplicationName = ...). Workers with the same name share the stream's shards.");
        }

        string? consumerName = options.ConsumerName ?? consumer.ConsumerName ?? application;
        if ((options.ReadMode ?? consumer.ReadMode) == ReadMode.FanOut
            && !string.IsNullOrWhiteSpace(consumerName)
            && !IsConsumerName(consumerName))
        {
            checks.Fail(
                $"{processor.Name} reads by fan-out as consumer '{consumerName}', which cannot be registered: set {section}:ConsumerName "
                    + $"to {ConsumerNames}. If it is not set, it is the application's name.");
        }

        try
        {
            StreamIdentifier.Parse(options.Stream ?? processor.Stream);
        }
        catch (ArgumentException e)
        {
            checks.Fail($"{processor.Name}: {e.Message}");
        }

        if ((WorkerSettings.IntervalOf(options) ?? WorkerSettings.IntervalOf(consumer)) is null && !IsWait(processor.CheckpointInterval))
        {
            checks.Fail($"{processor.Name}: [Checkpoint(Interval = ...)] is {processor.CheckpointInterval}; allowed is {Waits}.");
        }

        if (options.AllowNonRestoredState == true && processor.StateVersion == 0)
        {
            checks.Fail(
                $"{section}:AllowNonRestoredState has no effect, since {processor.Name} declares no [State]: remove it. If the class has "
                    + "lost its last state, its shards are left alone until it is given up: 'fastconsumer checkpoint reset --drop-state'.");
        }

        if (processor.StateVersion == 0)
        {
            foreach (string name in CheckpointingOfState(options.Checkpointing))
            {
                checks.Fail($"{section}:Checkpointing:{name} has no effect, since {processor.Name} declares no [State]: remove it.");
            }
        }

        Contradictions(options.Checkpointing, consumer.Checkpointing, checks, processor.Name);
        if (WorkerSettings.StartOf(options, consumer) == StartPosition.AtTimestamp
            && (options.StartTimestamp ?? consumer.StartTimestamp) is null)
        {
            checks.Fail(
                $"{processor.Name} starts AtTimestamp, and {section}:StartTimestamp is not set: give the time, or start at TrimHorizon or "
                    + "Latest.");
        }

        return checks.Result;
    }

    private static bool IsConsumerName(string name) =>
        name.Length is > 0 and <= 128 && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');

    private static void Shared(ConsumerSettings settings, Checks checks)
    {
        Reading(settings, checks);
        Checkpointing(settings, checks);
        checks.That(IsWait(settings.CheckpointInterval), nameof(settings.CheckpointInterval), settings.CheckpointInterval, Waits);
        checks.That(
            settings.CheckpointRecords is null or >= 0,
            nameof(settings.CheckpointRecords),
            settings.CheckpointRecords,
            "0 (no limit) or more");
        checks.That(
            settings.LeaseDuration is null
                || (settings.LeaseDuration >= TimeSpan.FromSeconds(1) && settings.LeaseDuration <= TimeSpan.FromHours(1)),
            nameof(settings.LeaseDuration),
            settings.LeaseDuration,
            "00:00:01 to 01:00:00");
        checks.That(IsWait(settings.HungCallAfter), nameof(settings.HungCallAfter), settings.HungCallAfter, Waits);
        checks.That(settings.MaxLeases is null or > 0, nameof(settings.MaxLeases), settings.MaxLeases, "1 or more leases");
        checks.That(
            settings.LeaseTableWriteUnits is null or > 0,
            nameof(settings.LeaseTableWriteUnits),
            settings.LeaseTableWriteUnits,
            "more than 0 write units a second");
        checks.That(
            settings.LeaseBalancing is null || Enum.IsDefined(settings.LeaseBalancing.Value),
            nameof(settings.LeaseBalancing),
            settings.LeaseBalancing,
            "Count or Throughput");
        checks.That(
            settings.ShardSyncInterval is null || settings.ShardSyncInterval >= TimeSpan.FromSeconds(1),
            nameof(settings.ShardSyncInterval),
            settings.ShardSyncInterval,
            "00:00:01 or more");
        checks.That(IsWait(settings.RetryInitialBackoff), nameof(settings.RetryInitialBackoff), settings.RetryInitialBackoff, Waits);
        checks.That(
            IsWait(settings.RetryMaxBackoff)
                && (settings.RetryMaxBackoff is null || settings.RetryMaxBackoff >= (settings.RetryInitialBackoff ?? TimeSpan.Zero)),
            nameof(settings.RetryMaxBackoff),
            settings.RetryMaxBackoff,
            "no less than RetryInitialBackoff, to 1.00:00:00");
    }

    private static void Checkpointing(ConsumerSettings settings, Checks checks)
    {
        CheckpointingOptions options = settings.Checkpointing;
        OneName(settings.CheckpointInterval, nameof(settings.CheckpointInterval), options.Interval, nameof(options.Interval), checks);
        OneName(settings.CheckpointRecords, nameof(settings.CheckpointRecords), options.Records, nameof(options.Records), checks);
        checks.That(IsWait(options.Interval), "Checkpointing:Interval", options.Interval, Waits);
        checks.That(options.Records is null or >= 0, "Checkpointing:Records", options.Records, "0 (no limit) or more");
        checks.That(
            options.Mode is null || Enum.IsDefined(options.Mode.Value),
            "Checkpointing:Mode",
            options.Mode,
            "ExactlyOnce or AtLeastOnce");
        checks.That(IsWait(options.Timeout), "Checkpointing:Timeout", options.Timeout, Waits);
        checks.That(IsPause(options.MinPause), "Checkpointing:MinPause", options.MinPause, Pauses);
        checks.That(
            options.TolerableFailures is null or >= 0,
            "Checkpointing:TolerableFailures",
            options.TolerableFailures,
            "0 or more; leave it out for any number");
        checks.That(IsPause(options.AlignedTimeout), "Checkpointing:AlignedTimeout", options.AlignedTimeout, Pauses);
        checks.That(
            options.RetainedCheckpoints is null or (>= 1 and <= 100),
            "Checkpointing:RetainedCheckpoints",
            options.RetainedCheckpoints,
            "1 to 100");
    }

    private static void OneName<T>(T? name, string nameOf, T? alias, string aliasOf, Checks checks)
        where T : struct, IEquatable<T>
    {
        if (name is { } one && alias is { } other && !one.Equals(other))
        {
            checks.Fail(
                string.Create(CultureInfo.InvariantCulture, $"{checks.Section}:{nameOf} is {one}, and ")
                    + string.Create(CultureInfo.InvariantCulture, $"{checks.Section}:Checkpointing:{aliasOf} is {other}: ")
                    + "both are names of one setting. Remove one of them.");
        }
    }

    /// <summary>Settings that a processor has of its own or from its consumer, and that contradict each other.</summary>
    private static void Contradictions(CheckpointingOptions own, CheckpointingOptions consumer, Checks checks, string processor)
    {
        bool isAligned = (own.Unaligned ?? consumer.Unaligned) == false;
        TimeSpan alignedTimeout = own.AlignedTimeout ?? consumer.AlignedTimeout ?? TimeSpan.Zero;
        TimeSpan timeout = own.Timeout ?? consumer.Timeout ?? CheckpointingSettings.DefaultTimeout;
        string name = $"{processor}: Checkpointing:";
        if ((own.Mode ?? consumer.Mode) == CheckpointingMode.AtLeastOnce && (isAligned || alignedTimeout > TimeSpan.Zero))
        {
            checks.Fail(
                $"{name}Mode is AtLeastOnce, which waits for no lane, and {(isAligned ? "Unaligned is false" : "AlignedTimeout is set")}: "
                    + "remove one of the two.");
        }
        else if (isAligned && alignedTimeout > TimeSpan.Zero)
        {
            checks.Fail(
                $"{name}Unaligned is false, so that a checkpoint waits for all lanes, and AlignedTimeout is {alignedTimeout}: remove "
                    + "one of the two.");
        }
        else if (alignedTimeout >= timeout)
        {
            checks.Fail(
                $"{name}AlignedTimeout is {alignedTimeout}, and Timeout, within which the checkpoint is to be stored too, is {timeout}: "
                    + "set AlignedTimeout lower.");
        }
    }

    /// <summary>The names of those settings of checkpoints that are of state only, and set.</summary>
    public static IEnumerable<string> CheckpointingOfState(CheckpointingOptions options)
    {
        (string Name, object? Value)[] settings =
        [
            (nameof(options.Mode), options.Mode), (nameof(options.Timeout), options.Timeout), (nameof(options.MinPause), options.MinPause),
            (nameof(options.TolerableFailures), options.TolerableFailures), (nameof(options.Unaligned), options.Unaligned),
            (nameof(options.AlignedTimeout), options.AlignedTimeout), (nameof(options.Incremental), options.Incremental),
            (nameof(options.RetainedCheckpoints), options.RetainedCheckpoints),
        ];
        return settings.Where(static setting => setting.Value is not null).Select(static setting => setting.Name);
    }

    private static void Reading(ConsumerSettings settings, Checks checks)
    {
        checks.That(
            settings.Limit is null or (>= 1 and <= 10_000),
            nameof(settings.Limit),
            settings.Limit,
            "1 to 10,000 records (the service's limit)");
        checks.That(
            settings.IdlePollInterval is null
                || (settings.IdlePollInterval >= s_shortestPoll && settings.IdlePollInterval <= s_longestPoll),
            nameof(settings.IdlePollInterval),
            settings.IdlePollInterval,
            "00:00:00.2 (five calls a second) to 00:04:00 (an iterator expires after five minutes)");
        checks.That(
            settings.StreamWindowBytes is null
                or (>= KinesisClientOptions.SmallestStreamWindowBytes and <= KinesisClientOptions.LargestStreamWindowBytes),
            nameof(settings.StreamWindowBytes),
            settings.StreamWindowBytes,
            "65536 to 16777216 bytes");
        checks.That(
            settings.ServiceUrl is null
                || (Uri.TryCreate(settings.ServiceUrl, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https"),
            nameof(settings.ServiceUrl),
            settings.ServiceUrl,
            "an absolute http or https URL");
        checks.That(
            settings.StartPosition is null || Enum.IsDefined(settings.StartPosition.Value),
            nameof(settings.StartPosition),
            settings.StartPosition,
            "TrimHorizon, Latest or AtTimestamp");
        if (settings is { StartTimestamp: not null, StartPosition: StartPosition.TrimHorizon or StartPosition.Latest })
        {
            checks.Fail(
                $"{checks.Section}:StartTimestamp is set, and {checks.Section}:StartPosition is {settings.StartPosition}: only one of "
                    + "them can count. Remove StartPosition (or set it to AtTimestamp) to start at the time, or remove StartTimestamp.");
        }

        checks.That(
            settings.ForeignRecords is null || Enum.IsDefined(settings.ForeignRecords.Value),
            nameof(settings.ForeignRecords),
            settings.ForeignRecords,
            "Auto, Deliver or LeaveOut");
        checks.That(
            settings.ReadMode is null || Enum.IsDefined(settings.ReadMode.Value),
            nameof(settings.ReadMode),
            settings.ReadMode,
            "Polling or FanOut");
        checks.That(
            settings.ConsumerName is null || IsConsumerName(settings.ConsumerName),
            nameof(settings.ConsumerName),
            settings.ConsumerName,
            ConsumerNames);
        checks.That(
            settings.Protocol is null || Enum.IsDefined(settings.Protocol.Value),
            nameof(settings.Protocol),
            settings.Protocol,
            "Auto, Cbor or Json");
    }

    private static bool IsPause(TimeSpan? value) => value is null || (value >= TimeSpan.Zero && value <= s_longest);

    private static bool IsWait(TimeSpan? value) => value is null || (value > TimeSpan.Zero && value <= s_longest);

    private sealed class Checks(string section)
    {
        private readonly List<string> _failures = [];

        public string Section => section;

        public ValidateOptionsResult Result => _failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(_failures);

        public void Fail(string failure) => _failures.Add(failure);

        public void That(bool valid, string name, object? value, string allowed)
        {
            if (!valid)
            {
                Fail(string.Create(CultureInfo.InvariantCulture, $"{section}:{name} is {value}; allowed is {allowed}."));
            }
        }
    }
}
