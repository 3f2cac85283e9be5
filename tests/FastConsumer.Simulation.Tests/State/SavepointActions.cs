using FastConsumer.Checkpoints;
using FastConsumer.Leases;
using FastConsumer.Savepoints;
using FastConsumer.State.Format;
using FastConsumer.Testing.Leases;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.State;

/// <summary>
/// Makes savepoints of a cluster while it lives, each in a process of its own that may vanish in the midst of it, and begins another
/// application with them. The oracle judges both.
/// </summary>
internal sealed class SavepointActions(
    SimulatedCluster cluster, SimulatedObjects objects, StateOracle oracle, StateSettings settings, Func<bool> isQuiet)
{
    private readonly Random _random = new(settings.Seed + 31);
    private int _named;

    /// <summary>The rules that do not hold.</summary>
    public SavepointStore.Rules Off { get; init; }

    /// <summary>How many were made.</summary>
    public int Made { get; private set; }

    /// <summary>How many shards of them had not taken over their parents' state.</summary>
    public int Inherited { get; private set; }

    /// <summary>How many calls have failed, or were never ended.</summary>
    public int Failed { get; private set; }

    /// <summary>Makes them until the world is quiet, and then a last one, which nothing may hinder.</summary>
    public async Task ActAsync()
    {
        while (!isQuiet())
        {
            await cluster.DelayAsync(TimeSpan.FromSeconds(3) * -Math.Log(1 - _random.NextDouble()));
            await MakeAsync();
        }
    }

    /// <summary>Makes one, judges it, and deletes it.</summary>
    /// <returns>False where it could not be made.</returns>
    public async Task<bool> MakeAsync()
    {
        string name = $"one.{++_named}";
        var process = new SimulatedProcess(cluster.Loop, $"tool{_named}");
        var link = new SimulatedLink(cluster.Loop, process, "table", new Random(_random.Next()))
        {
            LostRequests = isQuiet() ? 0 : settings.LostRequests,
            LostAnswers = isQuiet() ? 0 : settings.LostAnswers,
        };
        // a tool makes many calls, and its client repeats them: few fail in the end
        StateSettings few = settings with
        {
            LostRequests = settings.LostRequests / 10,
            LostAnswers = settings.LostAnswers / 10,
            HeldUp = settings.HeldUp / 10,
            Refused = settings.Refused / 10,
        };
        var place = new StatePlace(cluster, process, objects, few, isQuiet, new Random(_random.Next()));
        var store = new SavepointStore(
            new SimulatedCheckpointStore(place), "simulation", new Random(_random.Next()), process.Clock)
        {
            Off = Off,
        };
        if (!isQuiet() && _random.Next(5) == 0)
        {
            cluster.Loop.At(TimeSpan.FromSeconds(_random.NextDouble()), process.Kill);
        }

        bool isDone = false;
        Task doing = process.Start(async () =>
        {
            try
            {
                await MakeAsync(store, name, new PagedScan(cluster, process, link, process.Clock, new Random(_random.Next())));
                isDone = true;
            }
            catch (Exception e) when (e is SavepointException or CheckpointStoreException or LeaseStoreException)
            {
                cluster.Loop.Trace.Add(process.Name, null, $"savepoint {name}: {e.Message}");
            }
            catch (Exception e)
            {
                cluster.Loop.Fail(e);
            }
        });
        while (!doing.IsCompleted && process.IsAlive)
        {
            await cluster.DelayAsync(TimeSpan.FromMilliseconds(100));
        }

        Failed += isDone ? 0 : 1;
        process.Kill();
        return isDone;
    }

    private async Task MakeAsync(SavepointStore store, string name, ILeaseStore leases)
    {
        Savepoint savepoint = await store.CreateAsync(name, leases);
        Made++;
        Inherited += savepoint.Rows.Count(static row => row.Inherits.Count > 0);
        oracle.JudgeCopy($"savepoint {name}", [.. savepoint.Rows.Select(static row => row.ToLease("copy"))]);
        await using var table = new InMemoryLeaseStore(new InMemoryLeaseDatabase(), "simulation-2");
        await store.RestoreAsync(savepoint, new SavepointTarget
        {
            ApplicationName = "simulation-2",
            Leases = table,
            TableName = "simulation-2",
            By = "ann",
        });
        IReadOnlyList<Lease> rows = await table.ListAsync(ReadConsistency.Strong, CancellationToken.None);
        oracle.JudgeCopy($"what began with {name}", rows);
        cluster.Ledger.Require(
            "another application has its own sinks",
            !rows.SelectMany(SnapshotHandle.AllOf).Any(handle => SegmentReader.ReadManifest(
                objects.Find(handle.Object!).AsSpan((int)handle.Offset, handle.Length).ToArray()).Sinks is not null),
            null,
            $"what began with {name} counts the transactions of simulation.");
        await store.DeleteAsync(name);
    }

    /// <summary>A scan of a large table: its pages are of different moments.</summary>
    private sealed class PagedScan(
        SimulatedCluster cluster, SimulatedProcess process, SimulatedLink link, TimeProvider clock, Random random)
        : SimulatedLeaseStore(process, link, cluster.Table)
    {
        public override async Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken)
        {
            IReadOnlyList<Lease> first = await base.ListAsync(consistency, cancellationToken);
            await Task.Delay(TimeSpan.FromSeconds(random.NextDouble() * 3), clock, cancellationToken);
            IReadOnlyList<Lease> last = await base.ListAsync(consistency, cancellationToken);
            string[] keys = [.. first.Concat(last).Select(static row => row.LeaseKey).Order(StringComparer.Ordinal)];
            string page = keys.Length == 0 ? "" : keys[random.Next(keys.Length)];
            return
            [
                .. first.Where(row => string.CompareOrdinal(row.LeaseKey, page) <= 0),
                .. last.Where(row => string.CompareOrdinal(row.LeaseKey, page) > 0),
            ];
        }
    }
}
