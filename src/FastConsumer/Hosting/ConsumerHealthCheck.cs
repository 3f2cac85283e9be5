using FastConsumer.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Hosting;

/// <summary>
/// Unhealthy where somebody must act, degraded where a retry is under way. The description has the worst conditions' messages, the data their
/// places; both are bounded, for a reason that hundreds of shards share would otherwise be told hundreds of times.
/// </summary>
internal sealed class ConsumerHealthCheck(ConsumerHealth health) : IHealthCheck
{
    /// <summary>How many conditions are told.</summary>
    internal const int Told = 10;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        KeyValuePair<string, HealthCondition>[] conditions =
            [.. health.Conditions.OrderByDescending(static condition => condition.Value.Severity).ThenBy(static condition => condition.Key, StringComparer.Ordinal)];
        if (conditions.Length == 0)
        {
            return Task.FromResult(HealthCheckResult.Healthy());
        }

        bool unhealthy = conditions[0].Value.Severity == ConditionSeverity.Unhealthy;
        string description = string.Join(" ", conditions.Take(Told).Select(static condition => condition.Value.Message));
        if (conditions.Length > Told)
        {
            int unhealthyInAll = conditions.Count(static condition => condition.Value.Severity == ConditionSeverity.Unhealthy);
            description += $" And {conditions.Length - Told} more conditions: {unhealthyInAll} of {conditions.Length} are unhealthy.";
        }

        Dictionary<string, object> data = conditions.Take(Told).ToDictionary(static condition => condition.Key, static condition => (object)condition.Value.Message);
        return Task.FromResult(new HealthCheckResult(unhealthy ? context.Registration.FailureStatus : HealthStatus.Degraded, description, data: data));
    }
}
