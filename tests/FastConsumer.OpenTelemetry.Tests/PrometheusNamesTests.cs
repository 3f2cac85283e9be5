using FastConsumer.Diagnostics;

namespace FastConsumer.OpenTelemetry.Tests;

public sealed class PrometheusNamesTests
{
    /// <summary>One for each rule: braces are dropped, units are spelt out and not said twice, counters end with _total.</summary>
    [Theory]
    [InlineData("fastconsumer.reads", "fastconsumer_reads_total")]
    [InlineData("fastconsumer.bytes.read", "fastconsumer_bytes_read_bytes_total")]
    [InlineData("fastconsumer.reads.second.bytes", "fastconsumer_reads_second_bytes")]
    [InlineData("fastconsumer.lag", "fastconsumer_lag_seconds")]
    [InlineData("fastconsumer.shard.time", "fastconsumer_shard_time_seconds_total")]
    [InlineData("fastconsumer.millis_behind_latest", "fastconsumer_millis_behind_latest_milliseconds")]
    [InlineData("fastconsumer.reads.share", "fastconsumer_reads_share_ratio")]
    [InlineData("fastconsumer.leases", "fastconsumer_leases")]
    [InlineData("messaging.process.duration", "messaging_process_duration_seconds")]
    public void Names_follow_the_rules(string instrument, string name) =>
        Assert.Equal(name, PrometheusNames.Of(InstrumentCatalog.All.Single(info => info.Name == instrument)));

    [Fact]
    public void No_two_instruments_have_the_same_name() => Assert.Equal(
        InstrumentCatalog.All.Count, InstrumentCatalog.All.Select(PrometheusNames.Of).Distinct(StringComparer.Ordinal).Count());
}
