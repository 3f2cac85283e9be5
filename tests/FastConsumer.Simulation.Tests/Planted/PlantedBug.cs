using FastConsumer.Checkpoints;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Savepoints;
using FastConsumer.Simulation.Tests.Sink;
using FastConsumer.Simulation.Tests.State;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.Planted;

/// <summary>
/// A mistake put between a worker and its world on purpose, to see that the simulation finds it. It does what a worker with that
/// mistake would do, so that the product itself holds none.
/// </summary>
internal abstract class PlantedBug
{
    public virtual WorkerSettings Settings(WorkerSettings settings) => settings;

    public virtual ProcessorRegistration Processor(ProcessorRegistration processor) => processor;

    /// <summary>What the lane waits for where it runs a record's handler.</summary>
    public virtual ValueTask Handled(Func<ValueTask> handler) => handler();

    /// <summary>What the users' code does where state is kept; null for the right one.</summary>
    public virtual StateHandler? StateHandler(SimulatedWorker worker, HandlerHabits habits, Random random) => null;

    public virtual IKinesisClient Client(SimulatedCluster cluster, SimulatedWorker worker, IKinesisClient client) => client;

    /// <summary>Where a worker keeps its positions; null for the right store.</summary>
    public virtual SimulatedPositionStore? Positions(SinkPlace place) => null;

    /// <summary>The sink of a worker's outputs, for each shard that it has.</summary>
    public virtual OutputRoute Output(OutputRoute right) => right;

    /// <summary>Where a worker keeps its state; null for the right store.</summary>
    public virtual SimulatedCheckpointStore? Checkpoints(StatePlace place) => null;

    /// <summary>The rules that savepoints break.</summary>
    public virtual SavepointStore.Rules SavepointRulesOff => SavepointStore.Rules.None;

    /// <summary>The rules that sweeps of the state's objects break.</summary>
    public virtual SegmentSweep.Rules SweepRulesOff => SegmentSweep.Rules.None;

    /// <summary>How long it is from one sweep to the next.</summary>
    public virtual TimeSpan SweepInterval(TimeSpan right) => right;

    public virtual ILeaseStore OperatorStore(SimulatedProcess process, SimulatedLink link, SimulatedLeaseTable table) =>
        new SimulatedLeaseStore(process, link, table);

    public virtual ILeaseStore Store(SimulatedCluster cluster, SimulatedWorker worker, SimulatedLeaseTable table) =>
        new SimulatedLeaseStore(worker.Process, worker.ToTable, table);
}
