using FastConsumer.Hosting;
using FastConsumer.Testing.Simulation;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Simulation.Tests;

/// <summary>What users run their own processors on.</summary>
public sealed class ClusterSimulationTests
{
    private const int Seeds = 20;

    [Theory]
    [InlineData(ReadMode.Polling)]
    [InlineData(ReadMode.FanOut)]
    public async Task Effects_that_bear_repetition_are_as_they_should_be_whatever_happens(ReadMode mode)
    {
        int repeated = 0;
        await ClusterSimulation.RunAsync<LedgerKeeper>(1, Seeds, () =>
        {
            var accounts = new Accounts();
            return new ClusterSimulationOptions
            {
                ReadMode = mode,
                Services = services => services.AddSingleton(accounts),
                Verify = outcome =>
                {
                    Assert.NotEmpty(outcome.Records);
                    Assert.Equal(
                        outcome.Records.Select(static record => record.Text).Order(StringComparer.Ordinal),
                        accounts.Booked.Keys.Order(StringComparer.Ordinal));
                    repeated += accounts.Calls - accounts.Booked.Count;
                },
            };
        });
        // else nothing has happened to the workers
        Assert.True(repeated > 0);
    }

    [Fact]
    public async Task An_effect_that_does_not_bear_repetition_fails_its_seed_which_is_named_and_does_it_again()
    {
        SimulationFailedException failed = await Assert.ThrowsAsync<SimulationFailedException>(
            () => ClusterSimulation.RunAsync<LedgerKeeper>(1, Seeds, CountCalls));
        Assert.Contains($"Seed {failed.Seed} of LedgerKeeper fails", failed.Message, StringComparison.Ordinal);
        Assert.Contains($"RunAsync<LedgerKeeper>({failed.Seed}, options)", failed.Message, StringComparison.Ordinal);
        Assert.Contains("The last events:", failed.Message, StringComparison.Ordinal);
        SimulationFailedException again = await Assert.ThrowsAsync<SimulationFailedException>(
            () => ClusterSimulation.RunAsync<LedgerKeeper>(failed.Seed, CountCalls()));
        Assert.Equal(failed.Message, again.Message);

        static ClusterSimulationOptions CountCalls()
        {
            var accounts = new Accounts();
            return new ClusterSimulationOptions
            {
                Services = services => services.AddSingleton(accounts),
                Verify = outcome => Assert.Equal(outcome.Records.Count, accounts.Calls),
            };
        }
    }

    [Fact]
    public async Task Where_nothing_goes_wrong_each_record_comes_once_and_in_the_order_of_its_key()
    {
        var accounts = new Accounts();
        SimulationOutcome outcome = await ClusterSimulation.RunAsync<LedgerKeeper>(5, new ClusterSimulationOptions
        {
            Faults = SimulatedFaults.None,
            Workers = 1,
            Services = services => services.AddSingleton(accounts),
        });
        Assert.Equal(outcome.Records.Count, accounts.Calls);
        Assert.Equal(
            outcome.Records.GroupBy(static record => record.PartitionKey).ToDictionary(
                static group => group.Key, static group => string.Join(' ', group.Select(static record => record.Text))),
            accounts.ByKey.ToDictionary(static pair => pair.Key, static pair => string.Join(' ', pair.Value)));
        Assert.True(outcome.VirtualTime >= ClusterSimulationOptions.DefaultFaultsFor);
    }

    [Fact]
    public async Task One_seed_is_one_run()
    {
        ulong[] hashes = new ulong[3];
        for (int i = 0; i < hashes.Length; i++)
        {
            hashes[i] = (await ClusterSimulation.RunAsync<LedgerKeeper>(i < 2 ? 7 : 8, new ClusterSimulationOptions
            {
                Services = static services => services.AddSingleton<Accounts>(),
            })).Hash;
        }

        Assert.Equal(hashes[0], hashes[1]);
        Assert.NotEqual(hashes[0], hashes[2]);
    }

    [Fact]
    public async Task A_record_that_can_never_be_handled_is_named_with_what_its_handler_throws()
    {
        SimulationFailedException failed = await Assert.ThrowsAsync<SimulationFailedException>(
            () => ClusterSimulation.RunAsync<RefusingProcessor>(1, new ClusterSimulationOptions { Faults = SimulatedFaults.None }));
        Assert.Contains("not all is checkpointed", failed.Message, StringComparison.Ordinal);
        Assert.Contains("There is no account for this.", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_that_leaves_the_simulation_is_told_so()
    {
        SimulationFailedException failed = await Assert.ThrowsAsync<SimulationFailedException>(
            () => ClusterSimulation.RunAsync<EscapingProcessor>(1, new ClusterSimulationOptions()));
        Assert.Contains("TimeProvider of its services", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_that_blocks_the_thread_is_told_so()
    {
        using var gate = new ManualResetEventSlim();
        try
        {
            SimulationFailedException failed = await Assert.ThrowsAsync<SimulationFailedException>(
                () => ClusterSimulation.RunAsync<BlockingProcessor>(1, new ClusterSimulationOptions
                {
                    Faults = SimulatedFaults.None,
                    BlockedAfter = TimeSpan.FromMilliseconds(200),
                    Services = services => services.AddSingleton(gate),
                }));
            Assert.Contains("does not get on", failed.Message, StringComparison.Ordinal);
        }
        finally
        {
            gate.Set();
        }
    }

    [Fact]
    public async Task A_service_that_is_missing_is_told_before_the_run()
    {
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(
            () => ClusterSimulation.RunAsync<LedgerKeeper>(1, new ClusterSimulationOptions()));
        Assert.Contains(nameof(Accounts), refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_consumer_of_one_s_own_is_refused()
    {
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(
            () => ClusterSimulation.RunAsync<RefusingProcessor>(1, new ClusterSimulationOptions
            {
                Services = static services => services.AddFastConsumer(),
            }));
        Assert.Contains("AddFastConsumer", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dead_letters_go_to_a_sink_of_the_services()
    {
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(
            () => ClusterSimulation.RunAsync<BuryingProcessor>(1, new ClusterSimulationOptions()));
        Assert.Contains(nameof(IDeadLetterSink), refused.Message, StringComparison.Ordinal);
        var graveyard = new Graveyard();
        SimulationOutcome outcome = await ClusterSimulation.RunAsync<BuryingProcessor>(1, new ClusterSimulationOptions
        {
            Faults = SimulatedFaults.None,
            Services = services => services.AddSingleton<IDeadLetterSink>(graveyard),
        });
        Assert.Equal(
            outcome.Records.Select(static record => record.Text).Order(StringComparer.Ordinal),
            graveyard.Letters.Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Options_out_of_their_range_are_refused()
    {
        ClusterSimulationOptions[] wrong =
        [
            new() { Workers = 0 },
            new() { Shards = 101 },
            new() { RecordsPerSecond = 0 },
            new() { FaultsFor = TimeSpan.FromHours(1) },
            new() { BetweenFaults = TimeSpan.Zero },
            new() { LeaseDuration = TimeSpan.Zero },
            new() { CheckpointInterval = TimeSpan.Zero },
            new() { BlockedAfter = TimeSpan.Zero },
            new() { Faults = (SimulatedFaults)(1 << 20) },
            new() { ReadMode = (ReadMode)9 },
        ];
        foreach (ClusterSimulationOptions options in wrong)
        {
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => ClusterSimulation.RunAsync<RefusingProcessor>(1, options));
        }

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => ClusterSimulation.RunAsync<RefusingProcessor>(1, 0, static () => new ClusterSimulationOptions()));
    }
}

/// <summary>What a database is to the processor: all workers have the same.</summary>
internal sealed class Accounts
{
    public Dictionary<string, int> Booked { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, List<string>> ByKey { get; } = new(StringComparer.Ordinal);

    public int Calls { get; private set; }

    public void Book(string key, string text)
    {
        Calls++;
        Booked[text] = Booked.GetValueOrDefault(text) + 1;
        if (!ByKey.TryGetValue(key, out List<string>? texts))
        {
            ByKey[key] = texts = [];
        }

        texts.Add(text);
    }
}

[KinesisProcessor("accounts")]
internal sealed partial class LedgerKeeper(Accounts accounts, TimeProvider time)
{
    [OnRecord]
    private async Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        string key = record.PartitionKey;
        string text = System.Text.Encoding.UTF8.GetString(record.DataSpan);
        await Task.Delay(TimeSpan.FromMilliseconds(20), time, cancellationToken);
        accounts.Book(key, text);
    }
}

[KinesisProcessor("accounts")]
internal sealed partial class RefusingProcessor
{
    [OnRecord]
    private void Handle(KinesisRecord record) => throw new InvalidOperationException("There is no account for this.");
}

[KinesisProcessor("accounts")]
internal sealed partial class EscapingProcessor
{
    [OnRecord]
    private async Task HandleAsync(KinesisRecord record) => await Task.Run(static () => { });
}

[KinesisProcessor("accounts")]
internal sealed partial class BlockingProcessor(ManualResetEventSlim gate)
{
    [OnRecord]
    private void Handle(KinesisRecord record, CancellationToken cancellationToken) =>
        gate.Wait(TimeSpan.FromMinutes(2), CancellationToken.None);
}

[KinesisProcessor("accounts")]
[OnError(typeof(InvalidOperationException), ErrorAction.DeadLetter)]
internal sealed partial class BuryingProcessor
{
    [OnRecord]
    private void Handle(KinesisRecord record) => throw new InvalidOperationException("There is no account for this.");
}

internal sealed class Graveyard : IDeadLetterSink
{
    public List<string> Letters { get; } = [];

    public ValueTask WriteAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        Letters.Add(System.Text.Encoding.UTF8.GetString(letter.Record.DataSpan));
        return default;
    }
}
