using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Hosting;

/// <summary>The names of the health checks that probes ask for.</summary>
internal static class ProbeHealthChecks
{
    /// <summary>The check of the unnamed consumer; a colon and the name follow for another.</summary>
    public const string LiveName = "fastconsumer-live";

    /// <summary>The tag of liveness.</summary>
    public const string LiveTag = "live";
}

/// <summary>
/// For liveness probes (tag <c>live</c>): unhealthy where the loop that renews leases stands still, so that only a restart helps. A shard
/// that has stopped, a table that is denied or a stream that is not there is no reason: a restart would meet the same.
/// </summary>
internal sealed class LiveHealthCheck(ConsumerService consumer) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        string[] still = [.. consumer.Workers.Where(static worker => !worker.IsAlive)
            .Select(static worker => $"The lease loop of {worker.ProcessorName} has made no turn for {worker.SinceTurn:c}.")];
        return Task.FromResult(still.Length == 0
            ? HealthCheckResult.Healthy()
            : new HealthCheckResult(context.Registration.FailureStatus, string.Join(' ', still)));
    }
}

/// <summary>
/// For readiness probes (tag <c>ready</c>): unhealthy until each worker has read its stream's description and listed its lease table, and
/// while it stops.
/// </summary>
internal sealed class ReadyHealthCheck(ConsumerService consumer) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<StreamWorker> workers = consumer.Workers;
        string[] missing = [.. workers.Where(static worker => !worker.IsReady)
            .Select(static worker => $"{worker.ProcessorName} has not listed its lease table yet, or stops.")];
        return Task.FromResult(workers.Count > 0 && missing.Length == 0
            ? HealthCheckResult.Healthy()
            : new HealthCheckResult(
                context.Registration.FailureStatus, workers.Count == 0 ? "The consumer has not started." : string.Join(' ', missing)));
    }
}
