using FastConsumer.Diagnostics;
using FastConsumer.Leases;

namespace FastConsumer.Hosting;

/// <summary>Tells of rows that cannot be read: each once in the log, and all of them in health for as long as they are there.</summary>
internal sealed class UnreadableRows(WorkerParts parts, string table)
{
    /// <summary>So many are named in health.</summary>
    private const int MostNamed = 3;

    private HashSet<string> _told = new(StringComparer.Ordinal);

    private string Place => $"{parts.Settings.Stream.Name}/{parts.Settings.ProcessorName}/lease rows";

    /// <summary>Takes in all that the table holds.</summary>
    public void Report(IReadOnlyList<Lease> leases)
    {
        string[] problems = [.. leases.Select(static lease => lease.Problem).OfType<string>().Order(StringComparer.Ordinal)];
        foreach (string problem in problems.Where(problem => !_told.Contains(problem)))
        {
            ConsumerLog.LeaseRowUnreadable(parts.Log, table, problem);
        }

        _told = new HashSet<string>(problems, StringComparer.Ordinal);
        if (problems.Length == 0)
        {
            parts.Health.Clear(Place);
            return;
        }

        string more = problems.Length > MostNamed ? $" And {problems.Length - MostNamed} more rows." : "";
        parts.Health.Report(
            Place,
            ConditionSeverity.Unhealthy,
            $"{parts.Settings.ProcessorName} does not read shards whose rows of the {table} are damaged. "
                + $"{string.Join(' ', problems.Take(MostNamed))}{more}");
    }
}
