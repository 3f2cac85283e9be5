using FastConsumer.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Hosting;

/// <summary>
/// Unhealthy where somebody must act, degraded where a retry is under way. The description and the data name place, reason and remedy, the
/// worst first; where a thousand shards have the same trouble, they name some of them and say how many there are.
/// </summary>
internal sealed class ConsumerHealthCheck(ConsumerHealth health) : IHealthCheck
{
    private const int MostMessages = 10;
    private const int MostPlaces = 100;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        KeyValuePair<string, HealthCondition>[] conditions =
        [
            .. health.Conditions
                .OrderByDescending(static condition => condition.Value.Severity)
                .ThenBy(static condition => condition.Key, StringComparer.Ordinal),
        ];
        if (conditions.Length == 0)
        {
            return Task.FromResult(HealthCheckResult.Healthy());
        }

        bool unhealthy = conditions[0].Value.Severity == ConditionSeverity.Unhealthy;
        string description = string.Join(' ', conditions.Take(MostMessages).Select(static condition => condition.Value.Message));
        if (conditions.Length > MostMessages)
        {
            int unhealthyInAll = conditions.Count(static condition => condition.Value.Severity == ConditionSeverity.Unhealthy);
            description +=
                $" And {conditions.Length - MostMessages} more conditions: {unhealthyInAll} of {conditions.Length} are unhealthy.";
        }

        Dictionary<string, object> data =
            conditions.Take(MostPlaces).ToDictionary(
                static condition => condition.Key, static condition => (object)condition.Value.Message);
        return Task.FromResult(
            new HealthCheckResult(unhealthy ? context.Registration.FailureStatus : HealthStatus.Degraded, description, data: data));
    }
}
