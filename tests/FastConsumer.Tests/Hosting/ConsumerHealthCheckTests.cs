using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

public sealed class ConsumerHealthCheckTests
{
    private readonly Findings _findings = new(TimeProvider.System);

    [Fact]
    public async Task Five_hundred_shards_in_trouble_are_told_by_the_worst_ten_and_a_count()
    {
        for (int i = 0; i < 500; i++)
        {
            _findings.Raise(
                i == 499 ? FindingRules.ReadDenied : FindingRules.ReadsFail, $"app/orders/shard-{i:D3}", $"Shard {i} is in trouble.");
        }

        HealthCheckResult result = await CheckAsync();
        Assert.Equal(HealthStatus.Unhealthy, result.Status);
        Assert.StartsWith("Shard 499 is in trouble. Shard 0 is in trouble. Shard 1 is", result.Description, StringComparison.Ordinal);
        Assert.EndsWith(
            "Shard 8 is in trouble. And 490 more findings: 1 of 500 are unhealthy.", result.Description, StringComparison.Ordinal);
        Assert.Equal(100, result.Data.Count);
        Assert.Contains("FCF1014 app/orders/shard-499", result.Data.Keys);
    }

    [Fact]
    public async Task A_few_are_told_in_full()
    {
        for (int i = 0; i < 10; i++)
        {
            _findings.Raise(FindingRules.ReadsFail, $"{i}", $"Message {i}.");
        }

        HealthCheckResult result = await CheckAsync();
        Assert.Equal(HealthStatus.Degraded, result.Status);
        Assert.Equal(string.Join(' ', Enumerable.Range(0, 10).Select(static i => $"Message {i}.")), result.Description);
        Assert.Equal(10, result.Data.Count);
    }

    private Task<HealthCheckResult> CheckAsync()
    {
        var check = new ConsumerHealthCheck(_findings);
        return check.CheckHealthAsync(
            new HealthCheckContext { Registration = new HealthCheckRegistration("fastconsumer", check, failureStatus: null, tags: null) },
            TestContext.Current.CancellationToken);
    }
}
