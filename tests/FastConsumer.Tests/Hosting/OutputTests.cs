using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using FastConsumer.Diagnostics;
using FastConsumer.Leases;
using FastConsumer.Processors;
using FastConsumer.Testing.Positions;
using FastConsumer.Tests.Hosting.Outputs;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

/// <summary>Outputs of handlers: written beside the records, before the checkpoint that covers them, and once.</summary>
public sealed class OutputTests : OutputTest
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_output_is_there_once_after_a_crash(bool inBatches)
    {
        Kinesis.CreateStream(Stream);
        List<string> first = Put(200, keys: 20);
        WorkerHost dying = await StartAsync(inBatches, static options => options.CheckpointInterval = TimeSpan.FromHours(1));
        await Effects.WaitForAsync(Expected(first), dying.Log);
        await dying.DisposeWithoutStopAsync();
        ForgetCheckpoint();

        List<string> second = Put(100, keys: 20);
        await using WorkerHost next = await StartAsync(inBatches);
        await Effects.WaitForAsync(Expected([.. first, .. second]), next.Log);
        await Eventually.TrueAsync(
            () => Rows.Single().Checkpoint == Positions.Rows.Single().Value.Position!, () => next.Log.ToString());
        await next.StopAsync();

        AssertOnce([.. first, .. second]);
    }

    [Fact]
    public async Task What_a_sink_has_behind_a_record_that_fails_is_left_out_and_the_record_comes_later()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Put(Stream, "key-3", "key-3:stubborn");
        List<string> texts = Put(60, keys: 20);
        bool fails = true;
        Journal.Handler = (delivery, _, _) => Volatile.Read(ref fails) && delivery.Text == "key-3:stubborn"
            ? throw new InvalidOperationException("As the test wants it.")
            : default;
        WorkerHost dying = await StartAsync(inBatches: false, static options => options.CheckpointInterval = TimeSpan.FromHours(1));
        await Eventually.TrueAsync(() => Effects.All.Count >= 15, () => dying.Log.ToString());
        await dying.DisposeWithoutStopAsync();
        ForgetCheckpoint();
        Assert.NotNull(Positions.Rows.Single().Value.Runs);
        Assert.DoesNotContain(Effects.All, static text => text.StartsWith("key-3:stubborn", StringComparison.Ordinal));

        fails = false;
        await using WorkerHost next = await StartAsync(inBatches: false);
        await Effects.WaitForAsync(Expected(["key-3:stubborn", .. texts]), next.Log);
        await next.StopAsync();
        AssertOnce(["key-3:stubborn", .. texts]);
        Assert.Null(Positions.Rows.Single().Value.Runs);
    }

    [Fact]
    public async Task A_batch_that_runs_again_holds_only_records_whose_outputs_the_sink_has_or_none()
    {
        Kinesis.CreateStream(Stream);
        List<string> first = Put(6, keys: 1);
        WorkerHost dying = await StartAsync(inBatches: true);
        await Effects.WaitForAsync(Expected(first), dying.Log);
        await dying.DisposeWithoutStopAsync();
        ForgetCheckpoint();

        ConcurrentQueue<string[]> batches = [];
        Journal.BatchHandler = (batch, _, _) =>
        {
            batches.Enqueue([.. batch.Select(static delivery => delivery.Text)]);
            return default;
        };
        List<string> second = Put(9, keys: 1);
        await using WorkerHost next = await StartAsync(inBatches: true);
        await Effects.WaitForAsync(Expected([.. first, .. second]), next.Log);
        await next.StopAsync();
        AssertOnce([.. first, .. second]);
        Assert.All(batches, batch => Assert.True(batch.All(first.Contains) || batch.All(second.Contains), string.Join(',', batch)));
        Assert.Contains(batches, batch => batch.Any(first.Contains));
    }

    [Fact]
    public async Task A_commit_without_an_answer_is_made_once()
    {
        Kinesis.CreateStream(Stream);
        Positions.LosesEach = 2;
        await using WorkerHost host = await StartAsync(inBatches: false);
        List<string> texts = [];
        for (int i = 0; i < 10; i++)
        {
            texts.AddRange(Put(20, keys: 20));
            await Effects.WaitForAsync(Expected(texts), host.Log);
        }

        await host.StopAsync();
        AssertOnce(texts);
        Assert.True(Positions.Lost > 0);
    }

    [Fact]
    public async Task A_commit_that_lands_late_is_seen_before_its_values_are_written_again()
    {
        Kinesis.CreateStream(Stream);
        var late = new LatePositions();
        Writer.Fails = texts => texts.Any(Effects.All.Contains) ? new InvalidOperationException("The key is there.") : null;
        List<string> texts = Put(20, keys: 5);
        await using WorkerHost host = Build<OutputProcessor>(output =>
            output.ToTransaction<InMemoryTransaction>(_ => late, _ => Writer));
        await host.StartAsync();
        await Effects.WaitForAsync(Expected(texts), host.Log);
        await Eventually.TrueAsync(() => Rows.Single().Checkpoint.Kind == CheckpointKind.Record, () => host.Log.ToString());
        await host.StopAsync();
        AssertOnce(texts);
        Assert.True(late.IsLate);
    }

    [Fact]
    public async Task What_a_failed_try_adds_is_not_written_and_what_is_skipped_is_not()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(30, keys: 10);
        Kinesis.Put(Stream, "key-1", "key-1:unwanted");
        texts.AddRange(Put(30, keys: 10));
        Journal.Handler = (delivery, _, _) => delivery.Text == "key-1:unwanted"
            ? throw new UnwantedException()
            : delivery.Attempt == 1 && delivery.Text.EndsWith('5')
                ? throw new InvalidOperationException("As the test wants it.")
                : default;
        await using WorkerHost host = await StartAsync(inBatches: false);
        await Effects.WaitForAsync(Expected(texts), host.Log);
        await host.StopAsync();
        AssertOnce(texts);
    }

    [Fact]
    public async Task No_checkpoint_passes_outputs_that_are_not_written()
    {
        Kinesis.CreateStream(Stream);
        Writer.Fails = static _ => new IOException("The sink is down.");
        List<string> texts = Put(30, keys: 10);
        await using WorkerHost host = await StartAsync(inBatches: false);
        string said = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("The sink is down.", said, StringComparison.Ordinal);
        Assert.Contains("in-memory positions", said, StringComparison.Ordinal);
        await host.WaitForLogAsync(2426);
        Assert.Equal(CheckpointKind.TrimHorizon, Rows.Single().Checkpoint.Kind);
        Assert.Empty(Effects.All);

        Writer.Fails = static _ => null;
        await Effects.WaitForAsync(Expected(texts), host.Log);
        await host.WaitForHealthAsync(HealthStatus.Healthy);
        await Eventually.TrueAsync(() => Rows.Single().Checkpoint.Kind == CheckpointKind.Record, () => host.Log.ToString());
        await host.StopAsync();
        AssertOnce(texts);
    }

    [Fact]
    public async Task A_sink_without_transactions_has_each_output_at_least_once_with_the_same_id()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(50, keys: 10);
        WorkerHost dying = await StartAsync(
            inBatches: false, static options => options.CheckpointInterval = TimeSpan.FromHours(1), withTransactions: false);
        await Eventually.TrueAsync(() => Effects.All.Count == 50, () => dying.Log.ToString());
        await dying.DisposeWithoutStopAsync();
        ForgetCheckpoint();

        await using WorkerHost next = await StartAsync(inBatches: false, withTransactions: false);
        await Eventually.TrueAsync(() => Effects.All.Count == 100, () => next.Log.ToString());
        await next.StopAsync();
        Assert.All(Effects.All.GroupBy(static text => text), static group => Assert.Equal(2, group.Count()));
        Assert.Equal(50, Effects.All.Distinct().Select(static text => text.Split('(')[1]).Distinct().Count());
        Assert.Equal(Expected(texts).Order(StringComparer.Ordinal), Effects.All.Distinct()
            .Select(static text => text.Split(" (")[0]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_sink_that_has_lost_transactions_stops_the_shard()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(20, keys: 5);
        await using (WorkerHost host = await StartAsync(inBatches: false))
        {
            await Effects.WaitForAsync(Expected(texts), host.Log);
            await Eventually.TrueAsync(() => Rows.Single().Checkpoint.Kind == CheckpointKind.Record, () => host.Log.ToString());
            await host.StopAsync();
        }

        (PositionKey key, StoredPosition row) = Positions.Rows.Single();
        Positions.Database.Put(key, row with { Number = row.Number - 1 });
        await using (WorkerHost refused = await StartAsync(inBatches: false))
        {
            string said = await refused.WaitForHealthAsync(HealthStatus.Unhealthy);
            Assert.Contains("the sink has lost some", said, StringComparison.Ordinal);
        }

        Positions.Database.Put(key, row with { Lineage = "another" });
        await using WorkerHost other = await StartAsync(inBatches: false);
        Assert.Contains(
            "another life of its lease", await other.WaitForHealthAsync(HealthStatus.Unhealthy), StringComparison.Ordinal);
        Assert.Equal(20, Effects.All.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_sink_that_takes_few_values_gets_few_and_each_is_there_once(bool inBatches)
    {
        Kinesis.CreateStream(Stream);
        Positions.MostOutputs = 10;
        int most = 0;
        Writer.Fails = values =>
        {
            most = Math.Max(most, values.Count);
            return null;
        };
        List<string> texts = Put(300, keys: 10);
        WorkerHost dying = await StartAsync(inBatches, static options => options.CheckpointInterval = TimeSpan.FromHours(1));
        await Eventually.TrueAsync(() => Effects.All.Count >= 40, () => dying.Log.ToString());
        await dying.DisposeWithoutStopAsync();
        ForgetCheckpoint();

        await using WorkerHost next = await StartAsync(inBatches);
        await Effects.WaitForAsync(Expected(texts), next.Log);
        await next.StopAsync();
        AssertOnce(texts);
        Assert.InRange(most, 1, 10);
    }

    [Fact]
    public async Task A_sink_is_not_called_any_more_once_the_lease_is_lost()
    {
        Kinesis.CreateStream(Stream);
        int calls = 0;
        Writer.Fails = _ => Interlocked.Increment(ref calls) == 1 ? new IOException("The sink is down.") : null;
        Put(1);
        // the wait for the next try lasts until the loss ends it
        await using WorkerHost host = Build<OutputOnlyProcessor>(static output => output.To<FailingSink>(), options: static options =>
            (options.RetryInitialBackoff, options.RetryMaxBackoff) = (TimeSpan.FromHours(1), TimeSpan.FromHours(1)));
        await host.StartAsync();
        await host.WaitForLogAsync(2426);

        Lease lease = Rows.Single();
        Leases.Put(WorkerHost.Application, lease with { LeaseOwner = "another", LeaseCounter = lease.LeaseCounter + 10 });
        await host.WaitForLogAsync(2301);
        await host.StopAsync();
        Assert.Equal(1, calls);
        Assert.Empty(Effects.All);
    }

    [Fact]
    public async Task A_row_that_can_never_be_written_ends_the_run_and_the_next_one_makes_another()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(20, keys: 5);
        bool isOver = false;
        // as where too many records are done behind one: what the first run is to write is too large, however often it is tried
        Positions.BeforeCommit = _ => Volatile.Read(ref isOver) ? Task.CompletedTask : throw new TooLargeException();
        await using WorkerHost host = await StartAsync(inBatches: false);
        LogEntry released = await host.WaitForLogAsync(2422);
        Assert.Contains("The row is too large.", released.Message, StringComparison.Ordinal);
        Assert.Empty(Effects.All);
        Volatile.Write(ref isOver, true);
        await Effects.WaitForAsync(Expected(texts), host.Log);
        await host.StopAsync();
        AssertOnce(texts);
    }

    [Fact]
    public async Task What_a_sink_says_of_its_row_is_the_reason_also_where_a_checkpoint_fails_at_the_same_time()
    {
        const string stream = MeasuredOutputProcessor.StreamName;
        Kinesis.CreateStream(stream);
        List<string> texts = Put(2, keys: 1, stream);
        TaskCompletionSource refused = new();
        using var isEnding = new ManualResetEventSlim();
        Positions.BeforeCommit = token => refused.Task.WaitAsync(token);
        Journal.Handler = async (delivery, context, token) =>
        {
            if (delivery.Text == texts[1])
            {
                await Assert.ThrowsAnyAsync<Exception>(() => context.CheckpointAsync(token).AsTask());
                isEnding.Set();
            }
        };
        using var listener = new MeterListener();
        listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Name == InstrumentCatalog.StateFailures.Name)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        // the checkpoint has waited for the outputs in vain, and has not said so yet
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            if (tags.ToArray().Any(static tag => Equals(tag.Value, stream)) && !refused.Task.IsCompleted)
            {
                (PositionKey key, StoredPosition row) = Positions.Rows.Single();
                Positions.Database.Put(key, row with { Epoch = row.Epoch + 10 });
                refused.SetResult();
                isEnding.Wait(Eventually.Patience);
            }
        });
        listener.Start();
        await using WorkerHost host = Build<MeasuredOutputProcessor>(
            output => output.ToTransaction<InMemoryTransaction>(_ => Positions, _ => Writer),
            options: static options =>
                (options.Checkpointing.TolerableFailures, options.Checkpointing.Timeout) = (0, TimeSpan.FromMilliseconds(300)));
        await host.StartAsync();
        LogEntry told = await host.WaitForLogAsync(2413);
        Assert.Contains("knows an owner of shard", told.Message, StringComparison.Ordinal);
        Assert.True(isEnding.IsSet);
        Assert.Empty(host.Log.Of(2422));
        Assert.Empty(Effects.All);
    }

    [Fact]
    public async Task A_processor_with_an_output_and_no_state_numbers_the_values_of_a_record()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(10, keys: 5);
        await using WorkerHost host = Build<OutputOnlyProcessor>(static output => output.To<NumberSink>());
        await host.StartAsync();
        await Effects.WaitForAsync([.. texts.SelectMany(static text => new[] { $"{text} 0 1", $"{text} 1 2" })], host.Log);
        await host.StopAsync();
        Assert.Equal(20, Effects.All.Count);
    }

    [Fact]
    public async Task An_output_that_goes_nowhere_is_told_at_start()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost unbound = WorkerHost.Build(Kinesis, Journal, consumer => Add<OutputProcessor>(consumer));
        Assert.Contains(
            "AddOutput<Row>(\"rows\")",
            (await Assert.ThrowsAsync<InvalidOperationException>(unbound.StartAsync)).Message,
            StringComparison.Ordinal);

        await using WorkerHost mistyped = WorkerHost.Build(
            Kinesis, Journal, consumer => Add<OutputProcessor>(consumer).AddOutput<string>("rows").To<TextSink>());
        Assert.Contains(
            "has values of type", (await Assert.ThrowsAsync<InvalidOperationException>(mistyped.StartAsync)).Message,
            StringComparison.Ordinal);

        await using WorkerHost misspelt = Build<OutputProcessor>(static output => output.To<RowSink>(), "row", withRows: true);
        Assert.Contains(
            "AddOutput(\"row\") was called, and no processor",
            (await Assert.ThrowsAsync<InvalidOperationException>(misspelt.StartAsync)).Message,
            StringComparison.Ordinal);

        await using WorkerHost sinkless = Build<OutputProcessor>(static output => output.Consumer);
        Assert.Contains(
            "no sink is named",
            (await Assert.ThrowsAsync<InvalidOperationException>(sinkless.StartAsync)).Message,
            StringComparison.Ordinal);
    }

    /// <summary>The first commit is not answered, and is there only after its row was read.</summary>
    private sealed class LatePositions : InMemoryPositionStore
    {
        private Func<Task>? _land;

        public bool IsLate { get; private set; }

        public override Task<bool> CommitAsync(
            InMemoryTransaction transaction,
            PositionKey key,
            StoredPosition former,
            StoredPosition next,
            CancellationToken cancellationToken)
        {
            if (IsLate)
            {
                return base.CommitAsync(transaction, key, former, next, cancellationToken);
            }

            IsLate = true;
            _land = () => base.CommitAsync(transaction, key, former, next, CancellationToken.None);
            throw new IOException("The commit was not answered.");
        }

        public override async Task<StoredPosition?> ReadAsync(PositionKey key, CancellationToken cancellationToken)
        {
            StoredPosition? read = await base.ReadAsync(key, cancellationToken);
            if (Interlocked.Exchange(ref _land, null) is { } land)
            {
                await land();
            }

            return read;
        }
    }

    private sealed class TooLargeException() : Exception("The row is too large."), IUnrepeatable
    {
        public bool IsUnrepeatable => true;
    }

    private sealed class NumberSink(Effects effects) : IOutputSink<Row>
    {
        public Task WriteAsync(ReadOnlyMemory<Positioned<Row>> outputs, CancellationToken cancellationToken)
        {
            foreach (Positioned<Row> row in outputs.ToArray())
            {
                effects.Add($"{row.Value.Text} {row.Number} {row.Value.Count}");
            }

            return Task.CompletedTask;
        }
    }

    private sealed class TextSink : IOutputSink<string>
    {
        public Task WriteAsync(ReadOnlyMemory<Positioned<string>> outputs, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
