using System.Globalization;
using System.Text.Json;
using FastConsumer.Dashboard.Model;
using FastConsumer.Hosting;

namespace FastConsumer.Dashboard.Feed;

/// <summary>Makes the page of effective options. Each is named here, so that none that holds a secret comes along.</summary>
internal static class SettingsBuilder
{
    private const string Unset = "not set";

    /// <summary>The options as JSON.</summary>
    public static byte[] Settings(IReadOnlyList<DashboardConsumer> consumers, FastConsumerDashboardOptions options) =>
        JsonSerializer.SerializeToUtf8Bytes(
            new SettingsState(
            [
                .. consumers.SelectMany(static consumer => consumer.Service.Workers.Select(worker => GroupOf(consumer, worker))),
                new SettingsGroup(
                    "Dashboard",
                    [
                        new("Viewers", options.AuthorizationPolicy is { } policy
                            ? $"policy '{policy}'"
                            : "this machine only, unless the endpoints were given a policy"),
                        new("AllowActions", Text(options.AllowActions)),
                        new("ActionsAuthorizationPolicy", options.ActionsAuthorizationPolicy ?? Unset),
                        new("Live viewers at most", Text(DashboardHub.MostViewers)),
                    ]),
            ]),
            DashboardJson.Default.SettingsState);

    private static SettingsGroup GroupOf(DashboardConsumer consumer, StreamWorker worker)
    {
        WorkerSettings settings = worker.Settings;
        return new SettingsGroup(
            consumer.Name.Length == 0 ? settings.ProcessorName : $"{consumer.Name} / {settings.ProcessorName}",
            [
                new("ApplicationName", settings.ApplicationName),
                new("Stream", settings.Stream.ToString()),
                new("WorkerId", settings.WorkerId),
                new("Region", settings.Region ?? Unset),
                new("ServiceUrl", WithoutUser(settings.ServiceUrl)),
                new("Protocol", settings.Protocol.ToString()),
                new("StartPosition", settings.StartPosition.ToString()),
                new("StartTimestamp", settings.StartTimestamp?.ToString("O", CultureInfo.InvariantCulture) ?? Unset),
                new("ReadMode", settings.ReadMode.ToString()),
                new("ConsumerName", settings.ReadMode == ReadMode.FanOut ? settings.ConsumerName : "not used"),
                new("FanOutFallback", Text(settings.FanOutFallback)),
                new("Limit", Text(settings.Limit)),
                new("Deaggregate", Text(settings.Deaggregate)),
                new("ForeignRecords", settings.ForeignRecords.ToString()),
                new("IdlePollInterval", Text(settings.IdlePollInterval)),
                new("CheckpointInterval", Text(settings.CheckpointInterval)),
                new("CheckpointRecords", Text(settings.CheckpointRecords)),
                new("Checkpointing:Mode", settings.Checkpointing.Mode.ToString()),
                new("Checkpointing:Timeout", Text(settings.Checkpointing.Timeout)),
                new("Checkpointing:MinPause", Text(settings.Checkpointing.MinPause)),
                new("Checkpointing:TolerableFailures", settings.Checkpointing.TolerableFailures is { } failures ? Text(failures) : Unset),
                new("Checkpointing:AlignedTimeout", settings.Checkpointing.AlignedTimeout is var wait && wait < TimeSpan.Zero
                    ? "as long as the checkpoint may take"
                    : Text(wait)),
                new("Checkpointing:RetainedCheckpoints", Text(settings.Checkpointing.RetainedCheckpoints)),
                new("AllowNonRestoredState", Text(settings.AllowNonRestoredState)),
                new("LeaseDuration", Text(settings.LeaseDuration)),
                new("MaxLeases", settings.MaxLeases is { } most ? Text(most) : Unset),
                new("LeaseBalancing", settings.LeaseBalancing.ToString()),
                new("LeaseTableWriteUnits", settings.LeaseTableWriteUnits is { } units ? Text(units) : "found out"),
                new("ShardSyncInterval", Text(settings.ShardSyncInterval)),
                new("RetryInitialBackoff", Text(settings.RetryInitialBackoff)),
                new("RetryMaxBackoff", Text(settings.RetryMaxBackoff)),
                new("HungCallAfter", settings.HungCallAfter is { } hung ? Text(hung) : Text(3 * settings.LeaseDuration)),
                new("MaxHandlerThreads", Text(settings.MaxHandlerThreads)),
                new("StopTimeout", Text(settings.StopTimeout)),
                new("Lag:DegradedAt", Text(settings.Lag.DegradedAt)),
                new("Lag:UnhealthyAt", Text(settings.Lag.UnhealthyAt)),
                new("Lag:UnhealthyBeforeLoss", Text(settings.Lag.UnhealthyBeforeLoss)),
                new("Telemetry:ShardTags", settings.Telemetry.ShardTags.ToString()),
            ]);
    }

    private static string Text<T>(T value)
        where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);

    private static string Text(bool value) => value ? "true" : "false";

    /// <summary>An address may hold a password, or a key in its query.</summary>
    private static string WithoutUser(string? url) => url is null ? Unset
        : Uri.TryCreate(url, UriKind.Absolute, out Uri? address)
            ? address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped)
        : "set, and no address";
}
