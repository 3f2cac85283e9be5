using System.Globalization;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FastConsumer.Tests.Hosting;

/// <summary>What a setting means, and what is said of one that means nothing.</summary>
public sealed class SettingsTests : WorkerTest
{
    private static readonly DateTimeOffset s_noon = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_start_timestamp_alone_means_AtTimestamp() =>
        Assert.Equal(
            (StartPosition.AtTimestamp, s_noon),
            Start(new FastConsumerOptions { StartTimestamp = s_noon }, new ProcessorOptions()));

    [Fact]
    public void A_processors_own_timestamp_or_position_comes_before_the_consumers()
    {
        Assert.Equal(
            (StartPosition.AtTimestamp, s_noon),
            Start(new FastConsumerOptions { StartPosition = StartPosition.Latest }, new ProcessorOptions { StartTimestamp = s_noon }));
        Assert.Equal(
            StartPosition.Latest,
            Start(
                new FastConsumerOptions { StartTimestamp = s_noon },
                new ProcessorOptions { StartPosition = StartPosition.Latest }).Position);
    }

    [Theory]
    [InlineData("FastConsumer", "TrimHorizon")]
    [InlineData("FastConsumer:Processors:EventProcessor", "Latest")]
    public void A_start_timestamp_beside_another_position_is_refused(string section, string position)
    {
        OptionsValidationException error = Assert.Throws<OptionsValidationException>(() => OptionsOf(new()
        {
            ["FastConsumer:ApplicationName"] = "tests",
            [$"{section}:StartPosition"] = position,
            [$"{section}:StartTimestamp"] = "2026-11-30T12:00:00Z",
        }));
        Assert.Contains(
            $"{section}:StartTimestamp is set, and {section}:StartPosition is {position}", error.Message, StringComparison.Ordinal);
        Assert.Contains("Remove StartPosition", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2026-11-30T12:00:00", "2026-11-30T12:00:00+00:00")]
    [InlineData("2026-11-30", "2026-11-30T00:00:00+00:00")]
    [InlineData("2026-11-30T12:00:00Z", "2026-11-30T12:00:00+00:00")]
    [InlineData("2026-11-30T12:00:00+02:00", "2026-11-30T12:00:00+02:00")]
    public void A_configured_time_without_an_offset_is_UTC_on_every_machine(string text, string expected)
    {
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["FastConsumer:StartTimestamp"] = text })
            .Build();
        // as the binder reads it in Tokyo
        var options = new FastConsumerOptions { StartTimestamp = new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.FromHours(9)) };
        ConfiguredTime.Correct(options, configuration, "FastConsumer");
        Assert.Equal(DateTimeOffset.Parse(expected, CultureInfo.InvariantCulture), options.StartTimestamp);
        foreach (string section in (string[])["FastConsumer", "FastConsumer:Processors:EventProcessor"])
        {
            (FastConsumerOptions consumer, ProcessorOptions own) = OptionsOf(new()
            {
                ["FastConsumer:ApplicationName"] = "tests",
                [$"{section}:StartTimestamp"] = text,
            });
            Assert.Equal(DateTimeOffset.Parse(expected, CultureInfo.InvariantCulture), own.StartTimestamp ?? consumer.StartTimestamp);
        }
    }

    [Fact]
    public void What_code_sets_comes_after_the_configured_time()
    {
        using ServiceProvider services = Services(
            new() { ["FastConsumer:ApplicationName"] = "tests", ["FastConsumer:StartTimestamp"] = "2026-01-01T00:00:00" },
            static consumer => consumer.AddProcessor<EventProcessor>(),
            static options => options.StartTimestamp = s_noon);
        Assert.Equal(s_noon, services.GetRequiredService<IOptionsMonitor<FastConsumerOptions>>().Get("").StartTimestamp);
    }

    [Theory]
    [InlineData(
        "FastConsumer:LeaseDuraton",
        "FastConsumer:LeaseDuraton is not a setting of FastConsumer and has no effect. Did you mean FastConsumer:LeaseDuration?")]
    [InlineData("FastConsumer:lease_duration", "Did you mean FastConsumer:LeaseDuration?")]
    [InlineData("FastConsumer:SatrtPosition", "Did you mean FastConsumer:StartPosition?")]
    [InlineData("FastConsumer:Colour", "FastConsumer:Colour is not a setting of FastConsumer and has no effect.")]
    [InlineData("FastConsumer:Proccessors:EventProcessor:Limit", "Did you mean FastConsumer:Processors?")]
    [InlineData(
        "FastConsumer:Processors:EventProcesor:Limit",
        "no processor of this name was added. Did you mean FastConsumer:Processors:EventProcessor?")]
    [InlineData("FastConsumer:Processors:EventProcessor:Limits", "Did you mean FastConsumer:Processors:EventProcessor:Limit?")]
    [InlineData("FastConsumer:Processors:EventProcessor:WorkerId", "WorkerId is set for the whole consumer")]
    [InlineData(
        "FastConsumer:Stream",
        "FastConsumer:Stream has no effect: Stream is set for one processor, in FastConsumer:Processors:<class name>:Stream.")]
    [InlineData("FastConsumer:Credentials:AccessKey", "FastConsumer:Credentials has no effect: credentials are set in code only.")]
    [InlineData(
        "FastConsumer:Consumers:secnd:Limit",
        "no consumer of this name was added with AddFastConsumer(name). Did you mean FastConsumer:Consumers:second?")]
    [InlineData("FastConsumer:Consumers:second:Limits", "Did you mean FastConsumer:Consumers:second:Limit?")]
    [InlineData(
        "FastConsumer:Store:Tabel",
        "FastConsumer:Store:Tabel is not a setting of this section and has no effect. Did you mean FastConsumer:Store:Table?")]
    public void A_key_that_nothing_reads_is_named_with_the_nearest(string key, string warning) =>
        Assert.Contains(warning, Assert.Single(Unknown(key)), StringComparison.Ordinal);

    [Theory]
    [InlineData("FastConsumer:leaseduration")]
    [InlineData("FastConsumer:Processors:EventProcessor:Stream")]
    [InlineData("FastConsumer:Consumers:second:Limit")]
    [InlineData("FastConsumer:DynamoDb:TableName")]
    [InlineData("FastConsumer:Store:Table:Any")]
    [InlineData("AWS:Region")]
    public void A_key_that_counts_is_not_warned_of(string key) => Assert.Empty(Unknown(key));

    [Fact]
    public async Task Settings_without_effect_are_warned_of_at_start()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer.AddProcessor<EventProcessor>().UseInMemoryLeases(Leases),
            configuration: new Dictionary<string, string?>
            {
                ["FastConsumer:LeaseDuraton"] = "00:00:30",
                ["FastConsumer:ConsumerName"] = "billing",
                ["FastConsumer:Processors:EventProcessor:FanOutFallback"] = "true",
                ["FastConsumer:Processors:EventProcessor:StreamWindowBytes"] = "65536",
            });
        await host.StartAsync();
        Assert.Contains("FastConsumer:LeaseDuration?", Assert.Single(host.Log.Of(2408)).Message, StringComparison.Ordinal);
        Assert.Equal(
            ["FastConsumer:ConsumerName", "FastConsumer:Processors:EventProcessor:FanOutFallback",
                "FastConsumer:Processors:EventProcessor:StreamWindowBytes"],
            host.Log.Of(2407).Select(static entry => entry.Message.Split(' ')[0]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_consumers_fan_out_settings_count_where_one_processor_uses_them()
    {
        var consumer = new ServiceCollection().AddFastConsumer().AddProcessor<EventProcessor>().AddProcessor<ClickProcessor>();
        var shared = new FastConsumerOptions { ConsumerName = "billing" };
        Assert.Empty(UnusedSettings.Find(
            consumer,
            shared,
            [(consumer.Processors[0], new ProcessorOptions { ReadMode = ReadMode.FanOut }),
                (consumer.Processors[1], new ProcessorOptions())]));
    }

    [Fact]
    public void What_operators_set_is_bound_and_reaches_the_worker()
    {
        (FastConsumerOptions options, _) = OptionsOf(new()
        {
            ["FastConsumer:ApplicationName"] = "tests",
            ["FastConsumer:Findings:fcf2003:Off"] = "true",
            ["FastConsumer:Findings:FCF1005:Severity"] = "Unhealthy",
            ["FastConsumer:Findings:FCF1005:RaiseAfter"] = "00:10:00",
            ["FastConsumer:Telemetry:ShardTags"] = "None",
            ["FastConsumer:Telemetry:RecordSpans"] = "true",
            ["FastConsumer:Telemetry:TraceParentProperty"] = "traceparent",
            ["FastConsumer:Lag:DegradedAt"] = "0.25",
            ["FastConsumer:Lag:UnhealthyAt"] = "0.5",
            ["FastConsumer:Lag:UnhealthyBeforeLoss"] = "12:00:00",
        });
        Assert.True(options.Findings["FCF2003"].Off);
        Assert.Equal(
            (FindingSeverity.Unhealthy, TimeSpan.FromMinutes(10)),
            (options.Findings["FCF1005"].Severity!.Value, options.Findings["FCF1005"].RaiseAfter!.Value));
        WorkerSettings settings = WorkerSettings.Resolve(
            new ProcessorRegistration<EventProcessor>(), options, new ProcessorOptions(), "worker");
        Assert.Equal(
            (ShardTags.None, true, "traceparent"),
            (settings.Telemetry.ShardTags, settings.Telemetry.RecordSpans, settings.Telemetry.TraceParentProperty));
        Assert.Equal(
            (0.25, 0.5, TimeSpan.FromHours(12)), (settings.Lag.DegradedAt, settings.Lag.UnhealthyAt, settings.Lag.UnhealthyBeforeLoss));
    }

    [Theory]
    [InlineData("Findings:FCF2030:Off", "true", "FastConsumer:Findings:FCF2030 is not a finding", "Did you mean FCF2003?")]
    [InlineData("Findings:FCF2003:RaiseAfter", "-00:00:01", "Findings:FCF2003:RaiseAfter is -00:00:01", "00:00:00 to 1.00:00:00")]
    [InlineData("Findings:FCF2003:Severity", "7", "FastConsumer:Findings:FCF2003:Severity is 7", "Information, Degraded or Unhealthy")]
    [InlineData("Telemetry:ShardTags", "9", "FastConsumer:Telemetry:ShardTags is 9", "All or None")]
    [InlineData("Telemetry:TraceParentProperty", "", "FastConsumer:Telemetry:TraceParentProperty is ", "the name of a property")]
    [InlineData("Lag:DegradedAt", "0", "FastConsumer:Lag:DegradedAt is 0", "more than 0 to 1")]
    [InlineData("Lag:UnhealthyAt", "1.01", "FastConsumer:Lag:UnhealthyAt is 1.01", "more than 0 to 1")]
    [InlineData("Checkpointing:Interval", "00:00:00", "FastConsumer:Checkpointing:Interval is 00:00:00", "more than zero to 1.00:00:00")]
    [InlineData("Checkpointing:Records", "-1", "FastConsumer:Checkpointing:Records is -1", "0 (no limit) or more")]
    [InlineData("Checkpointing:Mode", "7", "FastConsumer:Checkpointing:Mode is 7", "ExactlyOnce or AtLeastOnce")]
    [InlineData("Checkpointing:Timeout", "00:00:00", "FastConsumer:Checkpointing:Timeout is 00:00:00", "more than zero to 1.00:00:00")]
    [InlineData("Checkpointing:MinPause", "-00:00:01", "FastConsumer:Checkpointing:MinPause is -00:00:01", "00:00:00 to 1.00:00:00")]
    [InlineData("Checkpointing:TolerableFailures", "-1", "FastConsumer:Checkpointing:TolerableFailures is -1", "leave it out")]
    [InlineData("Checkpointing:AlignedTimeout", "2.00:00:00", "Checkpointing:AlignedTimeout is 2.00:00:00", "00:00:00 to 1.00:00:00")]
    [InlineData("Checkpointing:RetainedCheckpoints", "0", "FastConsumer:Checkpointing:RetainedCheckpoints is 0", "1 to 100")]
    [InlineData("Checkpointing:RetainedCheckpoints", "101", "FastConsumer:Checkpointing:RetainedCheckpoints is 101", "1 to 100")]
    [InlineData("Lag:UnhealthyBeforeLoss", "-1", "FastConsumer:Lag:UnhealthyBeforeLoss is -1.00:00:00", "00:00:00 or more")]
    public void What_operators_set_wrongly_is_refused(string key, string value, string complaint, string allowed)
    {
        OptionsValidationException error = Assert.Throws<OptionsValidationException>(() => OptionsOf(new()
        {
            ["FastConsumer:ApplicationName"] = "tests",
            [$"FastConsumer:{key}"] = value,
        }));
        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
        Assert.Contains(allowed, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("FastConsumer:Telemetry:ShardTag", "FastConsumer:Telemetry:ShardTags")]
    [InlineData("FastConsumer:Lag:DegradeAt", "FastConsumer:Lag:DegradedAt")]
    [InlineData("FastConsumer:Checkpointing:Intervall", "FastConsumer:Checkpointing:Interval")]
    [InlineData(
        "FastConsumer:Processors:EventProcessor:Checkpointing:MinPaus",
        "FastConsumer:Processors:EventProcessor:Checkpointing:MinPause")]
    [InlineData("FastConsumer:Finding:FCF2003:Off", "FastConsumer:Findings")]
    [InlineData("FastConsumer:Findings:FCF2003:Of", "FastConsumer:Findings:FCF2003:Off")]
    public void A_misspelt_key_of_operators_is_warned_of(string key, string meant) =>
        Assert.Contains($"Did you mean {meant}?", Assert.Single(Unknown(key)), StringComparison.Ordinal);

    [Fact]
    public void Settings_of_checkpoints_have_the_names_of_Flink_and_the_processor_comes_first()
    {
        var consumer = new FastConsumerOptions
        {
            ApplicationName = "tests",
            CheckpointRecords = 8,
            Checkpointing =
            {
                Interval = TimeSpan.FromSeconds(7), Timeout = TimeSpan.FromMinutes(1), Unaligned = false, RetainedCheckpoints = 3,
            },
        };
        var own = new ProcessorOptions { Checkpointing = { Records = 9, Unaligned = true, TolerableFailures = 4 } };
        var processor = new ProcessorRegistration<CountingProcessor>();

        WorkerSettings settings = WorkerSettings.Resolve(processor, consumer, own, "worker");
        Assert.Equal((TimeSpan.FromSeconds(7), 9), (settings.CheckpointInterval, settings.CheckpointRecords));
        Assert.Equal(
            new CheckpointingSettings { Timeout = TimeSpan.FromMinutes(1), TolerableFailures = 4, RetainedCheckpoints = 3 },
            settings.Checkpointing);
        Assert.Equal(1, new CheckpointingSettings().RetainedCheckpoints);
        Assert.Equal(
            5,
            WorkerSettings.Resolve(processor, consumer, new ProcessorOptions { Checkpointing = { RetainedCheckpoints = 5 } }, "worker")
                .Checkpointing.RetainedCheckpoints);
        Assert.Equal(
            Timeout.InfiniteTimeSpan,
            WorkerSettings.Resolve(processor, consumer, new ProcessorOptions(), "worker").Checkpointing.AlignedTimeout);

        var defaults = new FastConsumerOptions { ApplicationName = "tests" };
        Assert.Equal(
            (TimeSpan.FromSeconds(10), 0, new CheckpointingSettings()),
            Of(WorkerSettings.Resolve(processor, defaults, new ProcessorOptions(), "worker")));
        Assert.Equal(
            (TimeSpan.FromSeconds(5), 10_000, new CheckpointingSettings()),
            Of(WorkerSettings.Resolve(new ProcessorRegistration<EventProcessor>(), defaults, new ProcessorOptions(), "worker")));

        static (TimeSpan, int, CheckpointingSettings) Of(WorkerSettings settings) =>
            (settings.CheckpointInterval, settings.CheckpointRecords, settings.Checkpointing);
    }

    [Theory]
    [InlineData("Checkpointing:Interval", "00:00:04", "CheckpointInterval", "00:00:05", "both are names of one setting")]
    [InlineData("Checkpointing:Records", "4", "CheckpointRecords", "5", "both are names of one setting")]
    [InlineData("Checkpointing:Mode", "AtLeastOnce", "Checkpointing:Unaligned", "false", "Mode is AtLeastOnce, which waits for no lane")]
    [InlineData("Checkpointing:Mode", "AtLeastOnce", "Checkpointing:AlignedTimeout", "00:00:01", "AlignedTimeout is set")]
    [InlineData("Checkpointing:Unaligned", "false", "Checkpointing:AlignedTimeout", "00:00:01", "AlignedTimeout is 00:00:01")]
    [InlineData("Checkpointing:Timeout", "00:00:01", "Checkpointing:AlignedTimeout", "00:00:01", "set AlignedTimeout lower")]
    public void Settings_of_checkpoints_that_contradict_each_other_are_refused(
        string one, string value, string other, string otherValue, string complaint)
    {
        OptionsValidationException error = Assert.Throws<OptionsValidationException>(() => OptionsOf(new()
        {
            ["FastConsumer:ApplicationName"] = "tests",
            [$"FastConsumer:{one}"] = value,
            [$"FastConsumer:{other}"] = otherValue,
        }));
        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_of_checkpoints_that_need_state_are_refused_where_a_processor_has_none()
    {
        OptionsValidationException error = Assert.Throws<OptionsValidationException>(() => OptionsOf(new()
        {
            ["FastConsumer:ApplicationName"] = "tests",
            ["FastConsumer:Processors:EventProcessor:Checkpointing:MinPause"] = "00:00:01",
        }));
        Assert.Contains(
            "FastConsumer:Processors:EventProcessor:Checkpointing:MinPause has no effect, since EventProcessor declares no [State]",
            error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_most_leases_of_a_worker_reach_its_settings()
    {
        var processor = new ProcessorRegistration<EventProcessor>();
        var consumer = new FastConsumerOptions { ApplicationName = "tests", MaxLeases = 7 };
        Assert.Equal(7, WorkerSettings.Resolve(processor, consumer, new ProcessorOptions(), "worker").MaxLeases);
        Assert.Equal(2, WorkerSettings.Resolve(processor, consumer, new ProcessorOptions { MaxLeases = 2 }, "worker").MaxLeases);
        Assert.Null(WorkerSettings.Resolve(
            processor, new FastConsumerOptions { ApplicationName = "tests" }, new ProcessorOptions(), "worker").MaxLeases);
    }

    private static (StartPosition Position, DateTimeOffset? Time) Start(FastConsumerOptions consumer, ProcessorOptions own)
    {
        consumer.ApplicationName = "tests";
        WorkerSettings settings = WorkerSettings.Resolve(new ProcessorRegistration<EventProcessor>(), consumer, own, "worker");
        return (settings.StartPosition, settings.StartTimestamp);
    }

    private static (FastConsumerOptions Consumer, ProcessorOptions Own) OptionsOf(Dictionary<string, string?> configuration)
    {
        using ServiceProvider services = Services(configuration, static consumer => consumer.AddProcessor<EventProcessor>());
        return (
            services.GetRequiredService<IOptionsMonitor<FastConsumerOptions>>().Get(""),
            services.GetRequiredService<IOptionsMonitor<ProcessorOptions>>().Get("/EventProcessor"));
    }

    private static List<string> Unknown(string key)
    {
        using ServiceProvider services = Services(
            new() { [key] = "1" },
            static consumer =>
            {
                consumer.AddProcessor<EventProcessor>().AddConfigurationSection("Store", "Table");
                consumer.Services.AddFastConsumer("second");
            });
        return [.. ConfigurationKeys.FindUnknown(
            services.GetRequiredService<IConfiguration>(), [.. services.GetServices<FastConsumerBuilder>()])];
    }

    private static ServiceProvider Services(
        Dictionary<string, string?> configuration, Action<FastConsumerBuilder> consumer, Action<FastConsumerOptions>? options = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(configuration).Build());
        consumer(services.AddFastConsumer(options));
        return services.BuildServiceProvider();
    }
}
