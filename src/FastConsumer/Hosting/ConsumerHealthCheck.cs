using FastConsumer.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Hosting;

/// <summary>
/// Unhealthy where a finding says that somebody must act, degraded where one says that something goes on more slowly or with retries. The
/// description and the data name finding, scope and reason, the worst first; where a thousand shards have the same trouble, they name some
/// of them and say how many there are. What is only worth knowing stands in the data.
/// </summary>
internal sealed class ConsumerHealthCheck(Findings findings) : IHealthCheck
{
    private const int MostMessages = 10;
    private const int MostInData = 100;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<Finding> current = findings.Current;
        Finding[] troubles = [.. current.Where(static finding => finding.Severity > FindingSeverity.Information)];
        Dictionary<string, object> data = current.Take(MostInData).ToDictionary(
            static finding => $"{finding.Id} {finding.Scope}", static finding => (object)finding.Message);
        if (troubles.Length == 0)
        {
            return Task.FromResult(HealthCheckResult.Healthy(data: data));
        }

        bool unhealthy = troubles[0].Severity == FindingSeverity.Unhealthy;
        string description = string.Join(' ', troubles.Take(MostMessages).Select(static finding => finding.Message));
        if (troubles.Length > MostMessages)
        {
            int unhealthyInAll = troubles.Count(static finding => finding.Severity == FindingSeverity.Unhealthy);
            description +=
                $" And {troubles.Length - MostMessages} more findings: {unhealthyInAll} of {troubles.Length} are unhealthy.";
        }

        return Task.FromResult(
            new HealthCheckResult(unhealthy ? context.Registration.FailureStatus : HealthStatus.Degraded, description, data: data));
    }
}
