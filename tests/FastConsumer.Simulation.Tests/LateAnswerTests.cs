using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>A case that the seeds have found, by itself.</summary>
public sealed class LateAnswerTests
{
    [Fact]
    public void A_take_whose_answer_is_lost_is_found_in_the_row_and_not_made_again()
    {
        Scenario scenario = Scenario.Of(1) with
        {
            Processor = ProcessorKind.Records,
            ReadMode = FastConsumer.Hosting.ReadMode.Polling,
            Start = FastConsumer.Hosting.StartPosition.TrimHorizon,
            LeaseDuration = TimeSpan.FromSeconds(3),
            TableUnits = null,
            Habits = new HandlerHabits(),
        };
        var cluster = new SimulatedCluster(scenario.Seed, shards: 1, new EngineSettings(), scenario.Rules);
        int takes = 0;
        cluster.Run(async () =>
        {
            cluster.Put([.. Enumerable.Range(0, 20).Select(static i => ($"key{i % 3}", BitConverter.GetBytes(i)))]);
            SimulatedWorker worker = cluster.StartWorker(
                new SimulatedWorkerOptions
                {
                    Settings = scenario.Settings,
                    Processor = WorkerServices.RegistrationOf(scenario.Processor),
                    Services = worker => new WorkerServices(new SimulatedHandler(worker, cluster.Ledger, scenario.Habits, new Random(1))),
                },
                clockRate: 1,
                clockOffset: default);
            cluster.Table.Written += write =>
            {
                if (write.Operation == "take")
                {
                    // the answer never comes; the row is asked while most of the lease is left
                    worker.ToTable.LostAnswers = takes++ == 0 ? 1 : 0;
                    cluster.Loop.At(TimeSpan.FromSeconds(1), () => worker.ToTable.LostAnswers = 0);
                }
            };
            await cluster.DelayAsync(TimeSpan.FromSeconds(30));
            Assert.True(cluster.Ledger.IsAllDone, cluster.Ledger.Missing());
            await worker.StopAsync();
        });
        Assert.Equal(1, takes);
        Assert.Equal(0, cluster.Ledger.Duplicates);
    }
}
