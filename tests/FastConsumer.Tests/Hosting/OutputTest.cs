using FastConsumer.Hosting;
using FastConsumer.Processors;
using FastConsumer.Testing.Checkpoints;
using FastConsumer.Testing.Positions;
using FastConsumer.Tests.Hosting.Outputs;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Tests.Hosting;

/// <summary>What tests of outputs have in common: a sink that the test makes fail, and what must be in it.</summary>
public abstract class OutputTest : StateTest
{
    private protected OutputTest() => Writer = new RowWriter(Effects);

    private protected Effects Effects { get; } = new();

    private protected FailingPositions Positions { get; } = new();

    private protected RowWriter Writer { get; }

    private static IEnumerable<string> ExpectedOf(IEnumerable<string> texts)
    {
        Dictionary<string, int> counts = new(StringComparer.Ordinal);
        foreach (string text in texts)
        {
            counts[KeyOf(text)] = counts.GetValueOrDefault(KeyOf(text)) + 1;
            yield return $"{text} is {counts[KeyOf(text)]}";
        }
    }

    /// <summary>What must be visible: each text, and how many its key has had in the order of the stream.</summary>
    private protected static string[] Expected(IEnumerable<string> texts) => [.. ExpectedOf(texts)];

    private protected void AssertOnce(IEnumerable<string> texts) =>
        Assert.Equal(Expected(texts).Order(StringComparer.Ordinal), Effects.All.Order(StringComparer.Ordinal));

    /// <summary>As where the process died before its first checkpoint: all is handled again, with no state.</summary>
    private protected void ForgetCheckpoint() => Leases.Put(
        WorkerHost.Application, Rows.Single() with { Checkpoint = CheckpointPosition.TrimHorizon, Snapshot = null });

    private protected FastConsumerBuilder Add<TProcessor>(FastConsumerBuilder consumer)
        where TProcessor : class, IKinesisProcessor<TProcessor> =>
        consumer.AddProcessor<TProcessor>().UseInMemoryLeases(Leases).UseInMemoryCheckpoints(new InMemoryCheckpointStore(Objects));

    private protected WorkerHost Build<TProcessor>(
        Func<OutputBuilder<Row>, FastConsumerBuilder> bind,
        string name = "rows",
        bool withRows = false,
        Action<FastConsumerOptions>? options = null)
        where TProcessor : class, IKinesisProcessor<TProcessor> =>
        WorkerHost.Build(
            Kinesis,
            Journal,
            consumer =>
            {
                bind(Add<TProcessor>(consumer).AddOutput<Row>(name));
                if (withRows)
                {
                    consumer.AddOutput<Row>("rows").To<RowSink>();
                }
            },
            options,
            services: services => services.AddSingleton(Effects).AddSingleton(Writer));

    private protected async Task<WorkerHost> StartAsync(
        bool inBatches, Action<FastConsumerOptions>? options = null, bool withTransactions = true)
    {
        WorkerHost host = inBatches
            ? Build<BatchOutputProcessor>(Bind, options: options)
            : Build<OutputProcessor>(Bind, options: options);
        await host.StartAsync();
        return host;

        FastConsumerBuilder Bind(OutputBuilder<Row> output) => withTransactions
            ? output.ToTransaction<InMemoryTransaction>(_ => Positions, _ => Writer)
            : output.To<RowSink>();
    }

    private protected sealed class FailingSink(Effects effects, RowWriter writer) : IOutputSink<Row>
    {
        public Task WriteAsync(ReadOnlyMemory<Positioned<Row>> outputs, CancellationToken cancellationToken)
        {
            string[] texts = [.. outputs.ToArray().Select(static row => $"{row.Value.Text} is {row.Value.Count}")];
            if (writer.Fails(texts) is { } error)
            {
                throw error;
            }

            Array.ForEach(texts, effects.Add);
            return Task.CompletedTask;
        }
    }
}
