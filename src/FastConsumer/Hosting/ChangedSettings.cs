using System.Globalization;
using FastConsumer.Diagnostics;

namespace FastConsumer.Hosting;

/// <summary>An option that has changed at run time.</summary>
/// <param name="Key">Its configuration key.</param>
/// <param name="Old">What held until now, as messages write it.</param>
/// <param name="New">What holds from now on.</param>
internal sealed record ChangedSetting(string Key, string Old, string New);

/// <summary>
/// Tells which options may change while a consumer runs, and which of them have. Every option belongs to one of three kinds: it can change;
/// it needs a restart; or it is set by code only, such as credentials, and is not looked at, since code may make another object each time.
/// </summary>
internal static class ChangedSettings
{
    private const string Interval = $"{nameof(ConsumerSettings.Checkpointing)}:{nameof(CheckpointingOptions.Interval)}";
    private const string Records = $"{nameof(ConsumerSettings.Checkpointing)}:{nameof(CheckpointingOptions.Records)}";

    /// <summary>Options that can change, by processor; <see cref="FastConsumerOptions.PrefetchBytes"/> is shared by all.</summary>
    private static readonly (string Name, Func<WorkerSettings, object?> Of, Func<ConsumerSettings, object?> Set)[] s_reloadable =
    [
        (nameof(ConsumerSettings.Limit), static s => s.Limit, static s => s.Limit),
        (nameof(ConsumerSettings.IdlePollInterval), static s => s.IdlePollInterval, static s => s.IdlePollInterval),
        (nameof(ConsumerSettings.CheckpointInterval), static s => s.CheckpointInterval, static s => s.CheckpointInterval),
        (nameof(ConsumerSettings.CheckpointRecords), static s => s.CheckpointRecords, static s => s.CheckpointRecords),
        (nameof(ConsumerSettings.RetryInitialBackoff), static s => s.RetryInitialBackoff, static s => s.RetryInitialBackoff),
        (nameof(ConsumerSettings.RetryMaxBackoff), static s => s.RetryMaxBackoff, static s => s.RetryMaxBackoff),
        (nameof(ConsumerSettings.LeaseTableWriteUnits), static s => s.LeaseTableWriteUnits, static s => s.LeaseTableWriteUnits),
        (nameof(ConsumerSettings.ShardSyncInterval), static s => s.ShardSyncInterval, static s => s.ShardSyncInterval),
    ];

    /// <summary>Other names of some of them, which are told where they are used.</summary>
    private static readonly (string Name, string Alias, Func<ConsumerSettings, object?> Set)[] s_aliases =
    [
        (nameof(ConsumerSettings.CheckpointInterval), Interval, static s => s.Checkpointing.Interval),
        (nameof(ConsumerSettings.CheckpointRecords), Records, static s => s.Checkpointing.Records),
    ];

    private static readonly (string Name, Func<ConsumerSettings, object?> Set)[] s_restart =
    [
        (nameof(ConsumerSettings.ApplicationName), static s => s.ApplicationName),
        (nameof(ConsumerSettings.Region), static s => s.Region),
        (nameof(ConsumerSettings.Profile), static s => s.Profile),
        (nameof(ConsumerSettings.ServiceUrl), static s => s.ServiceUrl),
        (nameof(ConsumerSettings.Protocol), static s => s.Protocol),
        (nameof(ConsumerSettings.StartPosition), static s => s.StartPosition),
        (nameof(ConsumerSettings.StartTimestamp), static s => s.StartTimestamp),
        (nameof(ConsumerSettings.ReadMode), static s => s.ReadMode),
        (nameof(ConsumerSettings.ConsumerName), static s => s.ConsumerName),
        (nameof(ConsumerSettings.FanOutFallback), static s => s.FanOutFallback),
        (nameof(ConsumerSettings.StreamWindowBytes), static s => s.StreamWindowBytes),
        (nameof(ConsumerSettings.Deaggregate), static s => s.Deaggregate),
        (nameof(ConsumerSettings.ForeignRecords), static s => s.ForeignRecords),
        (nameof(ConsumerSettings.AllowNonRestoredState), static s => s.AllowNonRestoredState),
        ("Checkpointing:Mode", static s => s.Checkpointing.Mode),
        ("Checkpointing:Timeout", static s => s.Checkpointing.Timeout),
        ("Checkpointing:MinPause", static s => s.Checkpointing.MinPause),
        ("Checkpointing:TolerableFailures", static s => s.Checkpointing.TolerableFailures),
        ("Checkpointing:Unaligned", static s => s.Checkpointing.Unaligned),
        ("Checkpointing:AlignedTimeout", static s => s.Checkpointing.AlignedTimeout),
        ("Checkpointing:Incremental", static s => s.Checkpointing.Incremental),
        ("Checkpointing:RetainedCheckpoints", static s => s.Checkpointing.RetainedCheckpoints),
        (nameof(ConsumerSettings.LeaseDuration), static s => s.LeaseDuration),
        (nameof(ConsumerSettings.MaxLeases), static s => s.MaxLeases),
        (nameof(ConsumerSettings.HungCallAfter), static s => s.HungCallAfter),
        (nameof(ConsumerSettings.LeaseBalancing), static s => s.LeaseBalancing),
    ];

    private static readonly (string Name, Func<FastConsumerOptions, object?> Set)[] s_restartOfConsumer =
    [
        (nameof(FastConsumerOptions.MaxHandlerThreads), static s => s.MaxHandlerThreads),
        (nameof(FastConsumerOptions.StopTimeout), static s => s.StopTimeout),
        (nameof(FastConsumerOptions.ReloadOnChange), static s => s.ReloadOnChange),
        (nameof(FastConsumerOptions.WorkerId), static s => s.WorkerId),
        ("Telemetry:ShardTags", static s => s.Telemetry.ShardTags),
        ("Telemetry:RecordSpans", static s => s.Telemetry.RecordSpans),
        ("Telemetry:TraceParentProperty", static s => s.Telemetry.TraceParentProperty),
        ("Lag:DegradedAt", static s => s.Lag.DegradedAt),
        ("Lag:UnhealthyAt", static s => s.Lag.UnhealthyAt),
        ("Lag:UnhealthyBeforeLoss", static s => s.Lag.UnhealthyBeforeLoss),
    ];

    /// <summary>The names of all options that are looked at.</summary>
    internal static IEnumerable<string> Known =>
        [
            .. s_reloadable.Select(static setting => setting.Name),
            .. s_aliases.Select(static alias => alias.Alias),
            nameof(FastConsumerOptions.PrefetchBytes),
            .. s_restart.Select(static setting => setting.Name),
            .. s_restartOfConsumer.Select(static setting => setting.Name),
            nameof(FastConsumerOptions.Findings),
            nameof(ProcessorOptions.Stream),
        ];

    /// <summary>The settings that hold from now on: of those that are wanted, what can change; else those of before.</summary>
    public static WorkerSettings Merge(WorkerSettings before, WorkerSettings wanted) => before with
    {
        Limit = wanted.Limit,
        IdlePollInterval = wanted.IdlePollInterval,
        CheckpointInterval = wanted.CheckpointInterval,
        CheckpointRecords = wanted.CheckpointRecords,
        RetryInitialBackoff = wanted.RetryInitialBackoff,
        RetryMaxBackoff = wanted.RetryMaxBackoff,
        LeaseTableWriteUnits = wanted.LeaseTableWriteUnits,
        ShardSyncInterval = wanted.ShardSyncInterval,
    };

    /// <summary>What changes for a processor.</summary>
    /// <param name="before">Its settings until now.</param>
    /// <param name="now">Its settings from now on.</param>
    /// <param name="ownBefore">Its own options until now: a key stands in its section if it is set there, or was.</param>
    /// <param name="own">Its own options from now on.</param>
    /// <param name="consumer">The consumer's options from now on.</param>
    /// <param name="consumerSection">The consumer's section.</param>
    /// <param name="ownSection">The processor's section.</param>
    public static IEnumerable<ChangedSetting> Find(
        WorkerSettings before,
        WorkerSettings now,
        ProcessorOptions ownBefore,
        ProcessorOptions own,
        FastConsumerOptions consumer,
        string consumerSection,
        string ownSection)
    {
        return s_reloadable.Where(setting => !Equals(setting.Of(before), setting.Of(now))).Select(setting => new ChangedSetting(
            KeyOf(setting.Name, setting.Set), Text(setting.Of(before)), Text(setting.Of(now))));

        string KeyOf(string name, Func<ConsumerSettings, object?> set)
        {
            (string _, string? alias, Func<ConsumerSettings, object?> setAlias) =
                Array.Find(s_aliases, alias => alias.Name == name) is { Name: not null } found ? found : (name, null, static _ => null);
            return (set(own) ?? set(ownBefore)) is not null ? $"{ownSection}:{name}"
                : (setAlias(own) ?? setAlias(ownBefore)) is not null ? $"{ownSection}:{alias}"
                : setAlias(consumer) is not null ? $"{consumerSection}:{alias}"
                : $"{consumerSection}:{name}";
        }
    }

    /// <summary>The keys of a consumer's options that differ from those of the start, and cannot change before the next one.</summary>
    public static IEnumerable<string> FindRestart(FastConsumerOptions start, FastConsumerOptions now, string section) =>
    [
        .. OfBoth(start, now, section),
        .. s_restartOfConsumer.Where(setting => !Equals(setting.Set(start), setting.Set(now)))
            .Select(setting => $"{section}:{setting.Name}"),
        .. start.Findings.Keys.Union(now.Findings.Keys, StringComparer.OrdinalIgnoreCase)
            .Where(id => Of(start.Findings.GetValueOrDefault(id)) != Of(now.Findings.GetValueOrDefault(id)))
            .Order(StringComparer.OrdinalIgnoreCase)
            .Select(id => $"{section}:Findings:{id}"),
    ];

    /// <inheritdoc cref="FindRestart(FastConsumerOptions, FastConsumerOptions, string)"/>
    public static IEnumerable<string> FindRestart(ProcessorOptions start, ProcessorOptions now, string section) =>
        start.Stream == now.Stream
            ? OfBoth(start, now, section)
            : OfBoth(start, now, section).Append($"{section}:{nameof(ProcessorOptions.Stream)}");

    /// <summary>A value as messages write it.</summary>
    public static string Text(object? value) =>
        value is null ? "not set" : Convert.ToString(value, CultureInfo.InvariantCulture)!;

    private static IEnumerable<string> OfBoth(ConsumerSettings start, ConsumerSettings now, string section) =>
        s_restart.Where(setting => !Equals(setting.Set(start), setting.Set(now))).Select(setting => $"{section}:{setting.Name}");

    private static (FindingSeverity?, TimeSpan?, bool) Of(FindingOptions? finding) =>
        finding is null ? default : (finding.Severity, finding.RaiseAfter, finding.Off);
}
