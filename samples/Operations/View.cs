using System.Globalization;
using FastConsumer.Diagnostics;

namespace Operations;

/// <summary>A line for what is done, and for each finding that comes or goes.</summary>
internal sealed class View
{
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly long _started = TimeProvider.System.GetTimestamp();
    private readonly Dictionary<(string Id, string Scope), Finding> _current = [];
    private readonly SortedSet<string> _raised = new(StringComparer.Ordinal);

    /// <summary>The ids of all findings that were raised.</summary>
    public IReadOnlyList<string> Raised
    {
        get
        {
            lock (_lock)
            {
                return [.. _raised];
            }
        }
    }

    /// <summary>The ids of those that were raised, and hold nowhere any more.</summary>
    public IReadOnlyList<string> Cleared
    {
        get
        {
            lock (_lock)
            {
                return [.. _raised.Except(_current.Keys.Select(static key => key.Id))];
            }
        }
    }

    public void Say(string line) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{TimeProvider.System.GetElapsedTime(_started).TotalSeconds,5:0.0} s  {line}"));

    /// <summary>Looks at what the fleet has found, until it is cancelled.</summary>
    public async Task WatchAsync(Fleet fleet, CancellationToken cancellationToken)
    {
        using var looks = new PeriodicTimer(s_betweenLooks, TimeProvider.System);
        while (await looks.WaitForNextTickAsync(cancellationToken))
        {
            Look(fleet.Findings);
        }
    }

    private void Look(IReadOnlyList<Finding> findings)
    {
        lock (_lock)
        {
            // a condition of the table is found by both workers, each for itself
            Dictionary<(string, string), Finding> now = findings
                .GroupBy(static finding => (finding.Id, finding.Scope))
                .ToDictionary(static same => same.Key, static same => same.First());
            foreach ((_, Finding over) in _current.Where(former => !now.ContainsKey(former.Key)).ToList())
            {
                _current.Remove((over.Id, over.Scope));
                Say($"- {over.Id} is over: {over.Title} ({over.Scope})");
            }

            foreach (((string, string) key, Finding finding) in now)
            {
                if (_current.TryAdd(key, finding))
                {
                    _raised.Add(finding.Id);
                    Say($"+ {finding.Id} {finding.Severity}: {finding.Title}. {finding.Message}");
                }
            }
        }
    }
}
