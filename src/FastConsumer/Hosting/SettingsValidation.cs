using System.Globalization;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Options;

namespace FastConsumer.Hosting;

/// <summary>Refuses options that cannot work, at start, naming the setting, its value and what is allowed.</summary>
internal static class SettingsValidation
{
    private const string ConsumerNames = "1 to 128 of letters, digits, '_', '.' and '-'";

    private static readonly TimeSpan s_shortestPoll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_longestPoll = TimeSpan.FromMinutes(4);
    // above some 49 days timers refuse to wait
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(1);

    public static ValidateOptionsResult Validate(FastConsumerOptions options, string section)
    {
        List<string> failures = [];
        Shared(options, section, failures);
        Check(options.PrefetchBytes > 0, failures, section, nameof(options.PrefetchBytes), options.PrefetchBytes, "more than 0 bytes");
        Check(options.StopTimeout > FastConsumerOptions.ReleaseTime && options.StopTimeout <= s_longest, failures, section, nameof(options.StopTimeout), options.StopTimeout, "more than 00:00:03, which are kept for releasing leases, to 1.00:00:00");
        Check(
            options.MaxHandlerThreads is >= 1 and <= 10_000, failures, section, nameof(options.MaxHandlerThreads),
                options.MaxHandlerThreads, "1 to 10,000 threads");
        Check(options.WorkerId is null || options.WorkerId.Trim().Length > 0, failures, section, nameof(options.WorkerId), options.WorkerId, "a name that is not blank");
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    public static ValidateOptionsResult Validate(ProcessorOptions options, FastConsumerOptions consumer, ProcessorRegistration processor, string section)
    {
        List<string> failures = [];
        Shared(options, section, failures);
        string? application = options.ApplicationName ?? consumer.ApplicationName;
        if (string.IsNullOrWhiteSpace(application))
        {
            failures.Add($"{processor.Name} has no application name: set {section[..section.IndexOf(":Processors", StringComparison.Ordinal)]}:ApplicationName or AddFastConsumer(options => options.ApplicationName = ...). Workers of one name share the stream's shards.");
        }

        string? consumerName = options.ConsumerName ?? consumer.ConsumerName ?? application;
        if ((options.ReadMode ?? consumer.ReadMode) == ReadMode.FanOut && !string.IsNullOrWhiteSpace(consumerName) && !IsConsumerName(consumerName))
        {
            failures.Add($"{processor.Name} reads by fan-out as consumer '{consumerName}', which cannot be registered: set {section}:ConsumerName to {ConsumerNames}. Where it is not set, it is the application's name.");
        }

        try
        {
            StreamIdentifier.Parse(options.Stream ?? processor.Stream);
        }
        catch (ArgumentException e)
        {
            failures.Add($"{processor.Name}: {e.Message}");
        }

        if ((options.CheckpointInterval ?? consumer.CheckpointInterval) is null && !IsWait(processor.CheckpointInterval))
        {
            failures.Add($"{processor.Name}: [Checkpoint(Interval = ...)] is {processor.CheckpointInterval}; allowed is more than zero to 1.00:00:00.");
        }

        StartPosition start = options.StartPosition ?? consumer.StartPosition ?? StartPosition.TrimHorizon;
        if (start == StartPosition.AtTimestamp && (options.StartTimestamp ?? consumer.StartTimestamp) is null)
        {
            failures.Add($"{processor.Name} starts AtTimestamp, and {section}:StartTimestamp is not set: give the time, or start at TrimHorizon or Latest.");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static bool IsConsumerName(string name) =>
        name.Length is > 0 and <= 128 && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');

    private static void Shared(ConsumerSettings settings, string section, List<string> failures)
    {
        Check(settings.Limit is null or (>= 1 and <= 10_000), failures, section, nameof(settings.Limit), settings.Limit, "1 to 10,000 records (the service's limit)");
        Check(settings.IdlePollInterval is null || (settings.IdlePollInterval >= s_shortestPoll && settings.IdlePollInterval <= s_longestPoll), failures, section, nameof(settings.IdlePollInterval), settings.IdlePollInterval, "00:00:00.2 (five calls a second) to 00:04:00 (an iterator expires after five minutes)");
        Check(settings.StreamWindowBytes is null or (>= KinesisClientOptions.SmallestStreamWindowBytes and <= KinesisClientOptions.LargestStreamWindowBytes), failures, section, nameof(settings.StreamWindowBytes), settings.StreamWindowBytes, "65536 to 16777216 bytes");
        Check(IsWait(settings.CheckpointInterval), failures, section, nameof(settings.CheckpointInterval), settings.CheckpointInterval, "more than zero to 1.00:00:00");
        Check(settings.CheckpointRecords is null or >= 0, failures, section, nameof(settings.CheckpointRecords), settings.CheckpointRecords, "0 (no bound) or more");
        Check(settings.LeaseDuration is null || (settings.LeaseDuration >= TimeSpan.FromSeconds(1) && settings.LeaseDuration <= TimeSpan.FromHours(1)), failures, section, nameof(settings.LeaseDuration), settings.LeaseDuration, "00:00:01 to 01:00:00");
        Check(IsWait(settings.HungCallAfter), failures, section, nameof(settings.HungCallAfter), settings.HungCallAfter,
            "more than zero to 1.00:00:00");
        Check(settings.LeaseTableWriteUnits is null or > 0, failures, section, nameof(settings.LeaseTableWriteUnits), settings.LeaseTableWriteUnits, "more than 0 write units a second");
        Check(settings.ShardSyncInterval is null || settings.ShardSyncInterval >= TimeSpan.FromSeconds(1), failures, section, nameof(settings.ShardSyncInterval), settings.ShardSyncInterval, "00:00:01 or more");
        Check(IsWait(settings.RetryInitialBackoff), failures, section, nameof(settings.RetryInitialBackoff), settings.RetryInitialBackoff, "more than zero to 1.00:00:00");
        Check(IsWait(settings.RetryMaxBackoff) && (settings.RetryMaxBackoff is null || settings.RetryMaxBackoff >= (settings.RetryInitialBackoff ?? TimeSpan.Zero)), failures, section, nameof(settings.RetryMaxBackoff), settings.RetryMaxBackoff, "no less than RetryInitialBackoff, to 1.00:00:00");
        Check(settings.ServiceUrl is null || (Uri.TryCreate(settings.ServiceUrl, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https"), failures, section, nameof(settings.ServiceUrl), settings.ServiceUrl, "an absolute http or https URL");
        Check(settings.StartPosition is null || Enum.IsDefined(settings.StartPosition.Value), failures, section, nameof(settings.StartPosition), settings.StartPosition, "TrimHorizon, Latest or AtTimestamp");
        Check(settings.LeaseBalancing is null || Enum.IsDefined(settings.LeaseBalancing.Value), failures, section, nameof(settings.LeaseBalancing), settings.LeaseBalancing, "Count or Throughput");
        Check(settings.ReadMode is null || Enum.IsDefined(settings.ReadMode.Value), failures, section, nameof(settings.ReadMode), settings.ReadMode, "Polling or FanOut");
        Check(settings.ConsumerName is null || IsConsumerName(settings.ConsumerName), failures, section, nameof(settings.ConsumerName), settings.ConsumerName, ConsumerNames);
        Check(settings.Protocol is null || Enum.IsDefined(settings.Protocol.Value), failures, section, nameof(settings.Protocol), settings.Protocol, "Auto, Cbor or Json");
    }

    private static bool IsWait(TimeSpan? value) => value is null || (value > TimeSpan.Zero && value <= s_longest);

    private static void Check(bool valid, List<string> failures, string section, string name, object? value, string allowed)
    {
        if (!valid)
        {
            failures.Add(string.Create(CultureInfo.InvariantCulture, $"{section}:{name} is {value}; allowed is {allowed}."));
        }
    }
}
