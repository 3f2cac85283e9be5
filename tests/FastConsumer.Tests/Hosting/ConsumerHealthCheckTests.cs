using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

public sealed class ConsumerHealthCheckTests
{
    private readonly ConsumerHealth _health = new();

    [Fact]
    public async Task Five_hundred_shards_in_trouble_are_told_by_the_worst_ten_and_a_count()
    {
        for (int i = 0; i < 500; i++)
        {
            _health.Report(
                $"app/orders/shard-{i:D3}/read",
                i == 499 ? ConditionSeverity.Unhealthy : ConditionSeverity.Degraded,
                $"Shard {i} is in trouble.");
        }

        HealthCheckResult result = await CheckAsync();
        Assert.Equal(HealthStatus.Unhealthy, result.Status);
        Assert.StartsWith("Shard 499 is in trouble. Shard 0 is in trouble. Shard 1 is", result.Description, StringComparison.Ordinal);
        Assert.EndsWith(
            "Shard 8 is in trouble. And 490 more conditions: 1 of 500 are unhealthy.", result.Description, StringComparison.Ordinal);
        Assert.Equal(100, result.Data.Count);
        Assert.Contains("app/orders/shard-499/read", result.Data.Keys);
    }

    [Fact]
    public async Task A_few_are_told_in_full()
    {
        for (int i = 0; i < 10; i++)
        {
            _health.Report($"{i}", ConditionSeverity.Degraded, $"Message {i}.");
        }

        HealthCheckResult result = await CheckAsync();
        Assert.Equal(HealthStatus.Degraded, result.Status);
        Assert.Equal(string.Join(' ', Enumerable.Range(0, 10).Select(static i => $"Message {i}.")), result.Description);
        Assert.Equal(10, result.Data.Count);
    }

    private Task<HealthCheckResult> CheckAsync()
    {
        var check = new ConsumerHealthCheck(_health);
        return check.CheckHealthAsync(
            new HealthCheckContext { Registration = new HealthCheckRegistration("fastconsumer", check, failureStatus: null, tags: null) },
            TestContext.Current.CancellationToken);
    }
}
