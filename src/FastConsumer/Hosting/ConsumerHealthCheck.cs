using FastConsumer.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Hosting;

/// <summary>Unhealthy where somebody must act, degraded where a retry is under way; the data names place and reason.</summary>
internal sealed class ConsumerHealthCheck(ConsumerHealth health) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        KeyValuePair<string, HealthCondition>[] conditions = [.. health.Conditions];
        if (conditions.Length == 0)
        {
            return Task.FromResult(HealthCheckResult.Healthy());
        }

        bool unhealthy = conditions.Any(static condition => condition.Value.Severity == ConditionSeverity.Unhealthy);
        string description = string.Join(" ", conditions.OrderByDescending(static condition => condition.Value.Severity).Select(static condition => condition.Value.Message));
        Dictionary<string, object> data = conditions.ToDictionary(static condition => condition.Key, static condition => (object)condition.Value.Message);
        return Task.FromResult(new HealthCheckResult(unhealthy ? context.Registration.FailureStatus : HealthStatus.Degraded, description, data: data));
    }
}
