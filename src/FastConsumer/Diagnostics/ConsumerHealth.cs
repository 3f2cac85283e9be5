using System.Collections.Concurrent;

namespace FastConsumer.Diagnostics;

/// <summary>How bad a condition is.</summary>
internal enum ConditionSeverity
{
    /// <summary>It goes on by itself: a retry is under way.</summary>
    Degraded,

    /// <summary>Somebody must act: a shard has stopped, or a permission is missing.</summary>
    Unhealthy,
}

/// <summary>A condition that lasts: what, how bad, and the remedy in words.</summary>
internal sealed record HealthCondition(ConditionSeverity Severity, string Message);

/// <summary>The conditions that last right now, by the place that reported them. Read by the health check.</summary>
internal sealed class ConsumerHealth
{
    private readonly ConcurrentDictionary<string, HealthCondition> _conditions = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, HealthCondition> Conditions => _conditions;

    public void Report(string place, ConditionSeverity severity, string message) =>
        _conditions[place] = new HealthCondition(severity, message);

    public void Clear(string place) => _conditions.TryRemove(place, out _);
}
