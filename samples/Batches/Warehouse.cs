using Microsoft.Extensions.Hosting;

namespace Batches;

/// <summary>The row can never be stored.</summary>
public sealed class RowRejectedException(string message) : Exception(message);

/// <summary>Somebody else writes the row right now.</summary>
public sealed class RowLockedException(string message) : Exception(message);

/// <summary>
/// Stands for a database with bulk inserts that answer row by row. The stream has one shard, so there is one call at a time. Ends
/// the program when it has seen every row.
/// </summary>
public sealed class Warehouse(IHostApplicationLifetime lifetime)
{
    private readonly HashSet<int> _lockedOnce = [];

    public int Stored { get; private set; }

    public int Rejected { get; private set; }

    public int Locked => _lockedOnce.Count;

    public int Calls { get; private set; }

    /// <summary>Inserts rows: null for each that was stored, or why it was not.</summary>
    public async Task<IReadOnlyList<Exception?>> InsertAsync(ReadOnlyMemory<Reading> rows, CancellationToken cancellationToken)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
        Exception?[] failures = [.. rows.ToArray().Select(Insert)];
        Calls++;
        Console.WriteLine(
            $"insert {Calls}: {failures.Length} rows, {failures.Count(static failure => failure is RowLockedException)} locked, "
                + $"{failures.Count(static failure => failure is RowRejectedException)} rejected");
        if (Stored + Rejected == Program.Readings)
        {
            lifetime.StopApplication();
        }

        return failures;
    }

    private Exception? Insert(Reading row)
    {
        if (row.Kilowatts < 0)
        {
            Rejected++;
            return new RowRejectedException($"Meter {row.Meter} reports less than nothing.");
        }

        if (row.Meter % 100 == 0 && _lockedOnce.Add(row.Meter))
        {
            return new RowLockedException($"The row of meter {row.Meter} is locked.");
        }

        Stored++;
        return null;
    }
}
