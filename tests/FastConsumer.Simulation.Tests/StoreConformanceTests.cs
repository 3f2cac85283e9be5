using FastConsumer.Leases;
using FastConsumer.Testing.Leases;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>The simulated store does what every store must, or the simulation proves nothing.</summary>
public sealed class StoreConformanceTests
{
    public static TheoryData<string> Cases => [.. LeaseStoreConformance.Cases.Select(static test => test.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_simulated_store_conforms(string name)
    {
        var loop = new SimulationLoop(1, mostTasks: 100_000, longest: TimeSpan.FromHours(1));
        var process = new SimulatedProcess(loop, "w1");
        var table = new SimulatedTable(loop, process, new SimulatedLeaseTable(loop, new Random(1)));

        loop.Run(process.Start(
            () => LeaseStoreConformance.Cases.Single(test => test.Name == name).RunAsync(table, CancellationToken.None)));
    }

    private sealed class SimulatedTable(SimulationLoop loop, SimulatedProcess process, SimulatedLeaseTable table) : LeaseStoreUnderTest
    {
        private readonly SimulatedLink _link = new(loop, process, "table", new Random(1));

        public override ILeaseStore Open() => new SimulatedLeaseStore(process, _link, table);

        public override Task PutAsync(
            string leaseKey, IReadOnlyDictionary<string, Lease.Value> attributes, CancellationToken cancellationToken)
        {
            table.Put(leaseKey, attributes);
            return Task.CompletedTask;
        }
    }
}
