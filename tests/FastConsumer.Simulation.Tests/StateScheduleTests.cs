using FastConsumer.Checkpoints;
using FastConsumer.Hosting;
using FastConsumer.Leases;
using FastConsumer.Simulation.Tests.State;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Leases;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>
/// Interleavings of whole workers around state, as fixed schedules: each with its rule, which holds, and with the rule taken out, which
/// breaks the invariant. Those that are decided by rows and snapshots alone are in FastConsumer.Tests.
/// </summary>
public sealed class StateScheduleTests
{
    private const string OnlyTheOwner = "only its owner stops a shard, and nobody has to";

    private static readonly TimeSpan s_leaseDuration = TimeSpan.FromSeconds(10);

    /// <summary>
    /// I9. A stands still in its restore; B takes the shard, and its checkpoint supersedes what A is about to read. A cannot tell that from
    /// a snapshot that is lost, and its clock, which stood still too, says that it has the lease. So A writes the lease first.
    /// </summary>
    /// <param name="asks">False where the rule is taken out: A's write counts as made, whatever has become of the row.</param>
    /// <param name="order">In which order tasks come that are ready at the same time: it must not matter.</param>
    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    [InlineData(true, 3)]
    [InlineData(false, 1)]
    public void V14_who_finds_its_snapshot_gone_asks_the_row_and_reports_nothing_where_it_has_lost_the_shard(bool asks, int order)
    {
        StateWorld world = new(order);
        SimulatedCluster cluster = world.Cluster;
        void Run() => cluster.Run(async () =>
        {
            SimulatedWorker former = world.StartWorker();
            world.Put(10);
            await UntilAsync(() => world.Row is { Snapshot: not null, Checkpoint.Kind: CheckpointKind.Record });
            await former.StopAsync();
            string handle = world.Row!.Snapshot!;

            // A has the lease, and its read is on its way
            var gate = new TaskCompletionSource();
            SlowReads? objects = null;
            AskedStore? table = null;
            SimulatedWorker a = world.StartWorker(
                place => objects = new SlowReads(place, gate.Task), (worker, rows) => table = new AskedStore(worker, rows));
            await UntilAsync(() => objects is { IsReading: true });
            Assert.Equal(a.Name, world.Row!.LeaseOwner);
            a.Pause(withClock: true);

            // B takes it, goes on, and what its checkpoint supersedes is swept
            SimulatedWorker b = world.StartWorker();
            await UntilAsync(() => world.Row!.LeaseOwner == b.Name);
            world.Put(10);
            await UntilAsync(() => world.Row!.Snapshot != handle);
            world.Objects.Delete("a sweep", world.Objects.All.Keys.Single(
                name => name.EndsWith($"/{StateOracle.ObjectOf(handle)}", StringComparison.Ordinal)));

            // A goes on and believes to have the lease; its own write is the first that can tell it otherwise
            table!.IsSilent = true;
            table.BelievesItsWrites = !asks;
            gate.SetResult();
            a.Resume();
            await UntilAsync(() => table.HasAnswered);
            Assert.Contains(StateOracle.ObjectOf(handle)!, objects!.Missing, StringComparison.Ordinal);
            await cluster.DelayAsync(s_leaseDuration / 2);
            table.IsSilent = false;
            await cluster.DelayAsync(3 * s_leaseDuration);

            Assert.True(world.Logged(a, "lost shard"));
            Assert.Equal(b.Name, world.Row!.LeaseOwner);
            await a.StopAsync();
            await b.StopAsync();
        });

        if (asks)
        {
            Run();
            Assert.True(world.Oracle.Judged >= 2);
        }
        else
        {
            Assert.Equal(OnlyTheOwner, Assert.Throws<InvariantViolatedException>(Run).Invariant);
        }

        async Task UntilAsync(Func<bool> isSo)
        {
            for (int looks = 0; !isSo(); looks++)
            {
                Assert.True(looks < 6000, "It never comes to that.");
                await cluster.DelayAsync(TimeSpan.FromMilliseconds(10));
            }
        }
    }

    /// <summary>
    /// The worker that holds the first lease sweeps, and no other one. When it stops, another one takes over. A store that fails, or a
    /// mistake, ends neither the worker nor its sweeps.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void One_worker_sweeps_and_goes_on_after_failures(int order)
    {
        StateWorld world = new(order, shards: 2);
        SimulatedCluster cluster = world.Cluster;
        cluster.Run(async () =>
        {
            Dictionary<string, FailingLists> stores = [];
            SimulatedWorker[] workers = [Start(), Start()];
            await UntilAsync(() => workers.All(worker => cluster.Table.Rows.Any(row => row.LeaseOwner == worker.Name)));
            world.Put(20);
            await UntilAsync(() => cluster.Table.Rows.All(static row => row.Snapshot is not null));
            SimulatedWorker first = workers.Single(worker => worker.Name == cluster.Table.Rows[0].LeaseOwner);
            SimulatedWorker second = workers.Single(worker => worker != first);
            await UntilAsync(() => stores[first.Name].Lists > 0);
            stores[first.Name].Fails = true;
            int before = stores[first.Name].Lists;
            int ofSecond = stores[second.Name].Lists;
            await UntilAsync(() => stores[first.Name].Lists == before + 3);
            Assert.True(world.Logged(first, "[2425]"));
            Assert.True(world.Logged(first, "The same failure for the 3rd time"));
            Assert.Equal(1, cluster.Loop.Trace.Events.Count(
                static one => one.Text.Contains("(InvalidOperationException: the mistake", StringComparison.Ordinal)));

            // what a crash has left over: its process holds nothing any more
            stores[first.Name].Fails = false;
            Lease row = cluster.Table.Rows[0];
            string name = $"simulation/{row.TableLineage}/seg/{SnapshotHandle.Parse(row.Snapshot)!.Object}";
            string leftOver = $"simulation/{row.TableLineage}/seg/w99/1";
            world.Objects.Create("w99", leftOver, world.Objects.All[name]);
            await UntilAsync(() => !world.Objects.All.ContainsKey(leftOver));
            Assert.True(world.Logged(first, "[2423]"));
            // a sweep that it may have begun before the leases had settled
            Assert.InRange(stores[second.Name].Lists, 0, ofSecond);

            await first.StopAsync();
            await UntilAsync(() => stores[second.Name].Lists > ofSecond);
            await second.StopAsync();

            SimulatedWorker Start()
            {
                FailingLists? store = null;
                SimulatedWorker worker = world.StartWorker(place => store = new FailingLists(place));
                stores[worker.Name] = store!;
                return worker;
            }
        });

        async Task UntilAsync(Func<bool> isSo)
        {
            for (int looks = 0; !isSo(); looks++)
            {
                Assert.True(looks < 6000, "It never comes to that.");
                await cluster.DelayAsync(TimeSpan.FromSeconds(1));
            }
        }
    }

    /// <summary>The price of a store is by the request: a worker needs one for each interval, however many shards it has.</summary>
    [Fact]
    public void A_worker_writes_the_state_of_all_its_shards_with_one_request()
    {
        const int Workers = 4, Rounds = 10;
        StateWorld world = new(1, shards: 60, TimeSpan.FromSeconds(10)) { NeverAsks = true };
        world.Cluster.Run(async () =>
        {
            List<SimulatedWorker> workers = [.. Enumerable.Range(0, Workers).Select(_ => world.StartWorker())];
            await PutAsync(60);
            Assert.All(workers, worker => Assert.Contains(world.Cluster.Table.Rows, row => row.LeaseOwner == worker.Name));
            (int judged, int before) = (world.Oracle.Judged, world.Objects.Created);
            await PutAsync(10 * Rounds);
            int created = world.Objects.Created - before;
            // a few more where an interval begins or ends within a round
            Assert.InRange(created, 0.9 * Workers * Rounds, (1.1 * Workers * Rounds) + Workers);
            Assert.True(world.Oracle.Judged - judged > 5 * created, $"{world.Oracle.Judged - judged} checkpoints in {created} objects");
            foreach (SimulatedWorker worker in workers)
            {
                await worker.StopAsync();
            }
        });

        async Task PutAsync(int seconds)
        {
            for (; seconds > 0; seconds--)
            {
                world.Put(100, keys: 1000);
                await world.Cluster.DelayAsync(TimeSpan.FromSeconds(1));
            }
        }
    }

    /// <summary>Shards of a processor with state, in a world in which nothing goes wrong by itself.</summary>
    private sealed class StateWorld
    {
        private readonly Scenario _scenario;
        private int _put;

        public StateWorld(int order, int shards = 1, TimeSpan? interval = null)
        {
            _scenario = Scenario.Of(order) with
            {
                Processor = ProcessorKind.StateRecords,
                ReadMode = ReadMode.Polling,
                Start = StartPosition.TrimHorizon,
                LeaseDuration = s_leaseDuration,
                CheckpointInterval = interval ?? TimeSpan.FromSeconds(1),
                CheckpointRecords = 10_000,
                StopTimeout = TimeSpan.FromSeconds(10),
                TableUnits = null,
                Limit = ConsumerSettings.DefaultLimit,
                PrefetchBytes = FastConsumerOptions.DefaultPrefetchBytes,
                Aggregates = false,
                Habits = new HandlerHabits(),
                State = new StateSettings { Seed = order, LostRequests = 0, LostAnswers = 0, HeldUp = 0, Refused = 0 },
            };
            Cluster = new SimulatedCluster(order, shards, new EngineSettings(), _scenario.Rules);
            Objects = new SimulatedObjects(Cluster);
            Oracle = new StateOracle(Cluster, Objects);
            Cluster.Table.Written += Oracle.LeaseWritten;
        }

        public SimulatedCluster Cluster { get; }

        /// <summary>Set where checkpoints come by the interval only.</summary>
        public bool NeverAsks { get; init; }

        public SimulatedObjects Objects { get; }

        public StateOracle Oracle { get; }

        public Lease? Row => Cluster.Table.Rows is [var row] ? row : null;

        public void Put(int count, int keys = 3) => Cluster.Put(
            [.. Enumerable.Range(0, count).Select(_ => ($"key{_put % keys}", BitConverter.GetBytes(_put++)))]);

        public bool Logged(SimulatedWorker worker, string text) => Cluster.Loop.Trace.Events.Any(
            one => one.Process == worker.Name && one.Text.Contains(text, StringComparison.Ordinal));

        public SimulatedWorker StartWorker(
            Func<StatePlace, SimulatedCheckpointStore>? checkpoints = null,
            Func<SimulatedWorker, SimulatedLeaseTable, ILeaseStore>? table = null) => Cluster.StartWorker(
                new SimulatedWorkerOptions
                {
                    Settings = _scenario.Settings,
                    Processor = WorkerServices.RegistrationOf(_scenario.Processor),
                    Services = worker => new WorkerServices(
                        new SimulatedHandler(worker, Cluster.Ledger, _scenario.Habits, new Random(1)),
                        stateHandler: new StateHandler(worker, _scenario.Habits, new Random(1))
                        {
                            IsWellBehaved = true,
                            NeverAsks = NeverAsks,
                        }),
                    PrefetchBytes = _scenario.PrefetchBytes,
                    Checkpoints = worker => new StatePlace(Cluster, worker, Objects, _scenario.State!, static () => true, new Random(1))
                        is var place && checkpoints is null ? new SimulatedCheckpointStore(place) : checkpoints!(place),
                    Store = table,
                },
                clockRate: 1,
                clockOffset: default);
    }

    /// <summary>Reads wait for a gate.</summary>
    private sealed class SlowReads(StatePlace place, Task gate) : SimulatedCheckpointStore(place), ICheckpointStore
    {
        public bool IsReading { get; private set; }

        /// <summary>What was not there any more; null for nothing yet.</summary>
        public string? Missing { get; private set; }

        async Task ICheckpointStore.ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            IsReading = true;
            await gate;
            try
            {
                await ReadAsync(name, offset, destination, cancellationToken);
            }
            catch (CheckpointObjectMissingException)
            {
                Missing = name;
                throw;
            }
        }
    }

    /// <summary>Listings are counted, and may fail.</summary>
    private sealed class FailingLists(StatePlace place) : SimulatedCheckpointStore(place), ICheckpointStore
    {
        public int Lists { get; private set; }

        public bool Fails { get; set; }

        IAsyncEnumerable<CheckpointObject> ICheckpointStore.ListAsync(string prefix, CancellationToken cancellationToken)
        {
            Lists++;
            return Fails ? throw new InvalidOperationException("the mistake") : ListAsync(prefix, cancellationToken);
        }
    }

    /// <summary>A table whose reads may not be answered until a write was.</summary>
    private sealed class AskedStore(SimulatedWorker worker, SimulatedLeaseTable table)
        : SimulatedLeaseStore(worker.Process, worker.ToTable, table), ILeaseStore
    {
        public bool IsSilent { get; set; }

        /// <summary>The mistake: a renewal counts as made, whatever the answer.</summary>
        public bool BelievesItsWrites { get; set; }

        /// <summary>True once a renewal was answered after the reads fell silent.</summary>
        public bool HasAnswered { get; private set; }

        public override async Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken)
        {
            await AnswersAsync(cancellationToken);
            return await base.ListAsync(consistency, cancellationToken);
        }

        public override async Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(
            IReadOnlyList<LeaseWrite> writes, CancellationToken cancellationToken)
        {
            IReadOnlyList<LeaseWrite.Result> results = await base.WriteAsync(writes, cancellationToken);
            if (!IsSilent || LeaseOperationName.Of(writes[0]) != LeaseOperationName.Update)
            {
                return results;
            }

            HasAnswered = true;
            return BelievesItsWrites ? [.. results.Select(static _ => new LeaseWrite.Result(LeaseWrite.Outcome.Written))] : results;
        }

        async Task<IReadOnlyList<Lease>> ILeaseStore.GetManyAsync(
            IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken)
        {
            await AnswersAsync(cancellationToken);
            return await GetManyAsync(leaseKeys, consistency, cancellationToken);
        }

        private async Task AnswersAsync(CancellationToken cancellationToken)
        {
            while (IsSilent && (BelievesItsWrites || !HasAnswered))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), worker.Process.Clock, cancellationToken);
            }
        }
    }
}
