using System.Text.RegularExpressions;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>How a server is started, and how it is known to be ready.</summary>
internal sealed record ServerLaunch
{
    /// <summary>For error messages.</summary>
    public required string Name { get; init; }

    /// <summary>Arguments for <c>node</c>.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    public required string WorkingDirectory { get; init; }

    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>Matches the line that tells a bound port: group <c>asked</c> the one asked for, group <c>port</c> the real one.</summary>
    public required Regex Announcement { get; init; }

    /// <summary>The ports that were asked for; all must be announced. The first one answers health checks.</summary>
    public required IReadOnlyList<int> AskedPorts { get; init; }

    /// <summary>Must answer below HTTP 500 when the server is ready.</summary>
    public required string HealthPath { get; init; }
}
