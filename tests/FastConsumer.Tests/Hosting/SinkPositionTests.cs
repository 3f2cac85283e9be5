using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Operators;
using FastConsumer.Testing.Leases;
using FastConsumer.Testing.Positions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

/// <summary>Positions in the transactions of what handlers write: the sink leads, and the lease follows.</summary>
public sealed class SinkPositionTests : WorkerTest
{
    private const string FindingOfRetries = "FCF3002";

    private readonly FailingPositions _positions = new();
    private readonly Effects _effects = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_a_crash_the_shard_goes_on_where_the_sink_stands(bool inBatches)
    {
        Kinesis.CreateStream(Stream);
        List<string> first = Put(30);
        WorkerHost dying = await StartAsync(inBatches);
        await _effects.WaitForAsync(first, dying.Log);
        await dying.DisposeWithoutStopAsync();
        // as where no checkpoint was written: the lease alone would repeat all of it
        Leases.Put(WorkerHost.Application, Rows.Single() with { Checkpoint = CheckpointPosition.TrimHorizon });

        List<string> second = Put(30);
        await using WorkerHost next = await StartAsync(inBatches);
        await _effects.WaitForAsync([.. first, .. second], next.Log);
        await Eventually.TrueAsync(() => Rows.Single().Checkpoint == Position()!, () => next.Log.ToString());

        Assert.Equal(first.Concat(second).Order(StringComparer.Ordinal), _effects.All.Order(StringComparer.Ordinal));
        Assert.Equal("in-memory", Rows.Single().PositionSink);
        Assert.Contains("goes on at", Assert.Single(next.Log.Of(2412)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_commit_without_an_answer_is_made_once(bool inBatches)
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(40);
        _positions.LosesEach = 3;
        await using WorkerHost host = await StartAsync(inBatches);
        await _effects.WaitForAsync(texts, host.Log);
        await host.StopAsync();

        Assert.Equal(texts.Order(StringComparer.Ordinal), _effects.All.Order(StringComparer.Ordinal));
        Assert.True(_positions.Lost > 0);
        Assert.Equal(Position(), Rows.Single().Checkpoint);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_filtered_skipped_or_dead_lettered_moves_the_sink_too(bool inBatches)
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(5);
        foreach (string text in inBatches
            ? (string[])["filter", "filter"]
            : ["skip", "filter", "bury", "filter", "filter"])
        {
            Kinesis.Put(Stream, "k", text);
        }

        texts.AddRange(Put(3));
        SequenceNumber last = Kinesis.Put(Stream, "k", "filter").SequenceNumber;
        await using WorkerHost host = await StartAsync(inBatches);
        await _effects.WaitForAsync(texts, host.Log);
        await Eventually.TrueAsync(() => Rows.Single().Checkpoint == CheckpointPosition.At(last), () => host.Log.ToString());

        Assert.Equal(CheckpointPosition.At(last), Position());
        Assert.Equal(texts, _effects.All);
    }

    [Fact]
    public async Task A_position_that_an_operator_has_set_is_gone_on_from()
    {
        Kinesis.CreateStream(Stream);
        List<string> first = Put(10);
        await using WorkerHost host = await StartAsync(inBatches: false);
        await _effects.WaitForAsync(first, host.Log);
        (PositionKey key, StoredPosition row) = await RowAsync();
        await Eventually.TrueAsync(() => Rows.Single().Checkpoint == row.Position, () => host.Log.ToString());

        // as 'position reset' does: the sink first, then the lease
        Assert.True(await _positions.SetAsync(
            key, row, row with { Number = row.Number + 1, Position = CheckpointPosition.TrimHorizon }, Token));
        var table = new OperatorTable(
            new InMemoryLeaseStore(Leases, WorkerHost.Application), "P", TimeProvider.System, new Random(1));
        FreedLease reset = await table.ResetAsync(
            key.ShardId, new ResetTarget(CheckpointPosition.TrimHorizon), "test", "me", null, Token, withSink: true);
        Assert.Null(reset.Refusal);

        await _effects.WaitForAsync([.. first, .. first], host.Log);
        Assert.Equal(20, _effects.All.Count);
    }

    [Fact]
    public async Task A_checkpoint_that_a_sink_leads_is_not_reset_alone()
    {
        Kinesis.CreateStream(Stream);
        List<string> first = Put(10);
        await using WorkerHost host = await StartAsync(inBatches: false);
        await _effects.WaitForAsync(first, host.Log);
        await Eventually.TrueAsync(() => Rows.Single().PositionSink is not null, () => host.Log.ToString());
        var table = new OperatorTable(
            new InMemoryLeaseStore(Leases, WorkerHost.Application), "P", TimeProvider.System, new Random(1));

        FreedLease refused = await table.ResetAsync(
            Rows.Single().LeaseKey, new ResetTarget(CheckpointPosition.TrimHorizon), "test", "me", null, Token);

        Assert.Contains("'position reset'", refused.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lease_ahead_of_the_sink_stops_the_shard_until_somebody_has_decided()
    {
        Kinesis.CreateStream(Stream);
        List<string> first = Put(10);
        await using (WorkerHost host = await StartAsync(inBatches: false))
        {
            await _effects.WaitForAsync(first, host.Log);
            await host.StopAsync();
        }

        // the sink loses its last commits, as a standby that lagged behind
        (PositionKey key, StoredPosition row) = await RowAsync();
        var lost = new StoredPosition(row.Epoch, row.Number + 1, CheckpointPosition.At(default(SequenceNumber)));
        Assert.True(await _positions.SetAsync(key, row, lost, Token));

        await using WorkerHost next = await StartAsync(inBatches: false);
        string health = await next.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("'fastconsumer position adopt --shard shardId-000000000000 --from lease'", health, StringComparison.Ordinal);
        Assert.Equal(10, _effects.All.Count);

        (key, StoredPosition now) = await RowAsync();
        Assert.True(await _positions.SetAsync(key, now, now with { Number = now.Number + 1, Epoch = 0, Position = row.Position }, Token));
        List<string> second = Put(5);
        await _effects.WaitForAsync([.. first, .. second], next.Log);
        await next.WaitForHealthAsync(HealthStatus.Healthy);
        Assert.Equal(15, _effects.All.Count);
    }

    [Fact]
    public async Task A_sink_that_knows_a_later_owner_stops_the_shard_until_it_is_adopted()
    {
        Kinesis.CreateStream(Stream);
        List<string> first = Put(10);
        await using (WorkerHost host = await StartAsync(inBatches: false))
        {
            await _effects.WaitForAsync(first, host.Log);
            await host.StopAsync();
        }

        // as where the lease table was created anew
        (PositionKey key, StoredPosition row) = await RowAsync();
        Assert.True(await _positions.SetAsync(key, row, row with { Epoch = 1000, Number = row.Number + 1 }, Token));

        await using WorkerHost next = await StartAsync(inBatches: false);
        string health = await next.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("fencing token 1000", health, StringComparison.Ordinal);

        (key, row) = await RowAsync();
        Assert.True(await _positions.SetAsync(key, row, row with { Epoch = 0, Number = row.Number + 1 }, Token));
        List<string> second = Put(5);
        await _effects.WaitForAsync([.. first, .. second], next.Log);
        await next.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_sink_that_cannot_be_reached_is_waited_for_and_told()
    {
        Kinesis.CreateStream(Stream);
        _positions.IsDown = true;
        await using WorkerHost host = await StartAsync(inBatches: false);
        await host.WaitForLogAsync(2103);
        string health = await host.WaitForHealthAsync(HealthStatus.Degraded);
        Assert.Contains("the position store", health, StringComparison.Ordinal);

        _positions.IsDown = false;
        List<string> texts = Put(5);
        await _effects.WaitForAsync(texts, host.Log);
        await host.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_processor_that_takes_no_transaction_any_more_goes_on_from_the_lease_and_says_so()
    {
        Kinesis.CreateStream(Stream);
        List<string> first = Put(10);
        await using (WorkerHost host = await StartAsync(inBatches: false))
        {
            await _effects.WaitForAsync(first, host.Log);
            await Eventually.TrueAsync(() => Rows.Single().PositionSink is not null, () => host.Log.ToString());
            await host.StopAsync();
        }

        List<string> second = Put(5);
        await using WorkerHost next = await StartAsync<EventProcessor>();
        await Journal.WaitForAsync(second, next.Log);
        Assert.Single(next.Log.Of(2415));
        await Eventually.TrueAsync(() => Rows.Single().PositionSink is null, () => next.Log.ToString());
        Assert.Equal(second, Journal.Done.Select(static delivery => delivery.Text));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_committed_without_an_answer_is_not_left_out_whatever_the_policy_says(bool inBatches)
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(20);
        _positions.LosesEach = 3;
        _positions.FailsReadsAfterLoss = 2;
        await using WorkerHost host = inBatches
            ? await StartSinkAsync<UnforgivingSinkBatchProcessor>()
            : await StartSinkAsync<UnforgivingSinkProcessor>();
        await _effects.WaitForAsync(texts, host.Log);
        await Eventually.TrueAsync(() => Rows.Single().Checkpoint == Position()!, () => host.Log.ToString());

        Assert.Equal(texts, _effects.All);
        Assert.True(_positions.Lost > 0);
        Assert.Empty(host.Log.Of(2108));
        await host.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_fails_after_the_commit_is_told_and_leaves_nothing_out(bool inBatches)
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(8);
        _positions.FailsEnds = 1;
        await using WorkerHost host = inBatches
            ? await StartSinkAsync<UnforgivingSinkBatchProcessor>()
            : await StartSinkAsync<UnforgivingSinkProcessor>();
        await _effects.WaitForAsync(texts, host.Log);

        Assert.Equal(texts, _effects.All);
        Assert.Equal("The transaction cannot be ended.", (await host.WaitForLogAsync(2102)).Error?.Message);
        Assert.Empty(host.Log.Of(2108));
    }

    [Fact]
    public async Task A_sink_that_cannot_be_reached_is_no_matter_of_a_worker_that_has_lost_the_lease()
    {
        Kinesis.CreateStream(Stream);
        _positions.IsDown = true;
        await using WorkerHost host = await StartAsync(inBatches: false);
        await host.WaitForHealthAsync(HealthStatus.Degraded);

        // another worker has the lease, and keeps it
        Lease row = Rows.Single();
        Leases.Put(WorkerHost.Application, row with { LeaseOwner = "another", LeaseCounter = row.LeaseCounter + 10 });
        await host.WaitForLogAsync(2301);
        var control = host.Host.Services.GetRequiredService<IFastConsumerControl>();
        await Eventually.TrueAsync(
            () => !control.GetSnapshot().Findings.Any(static finding => finding.Id == FindingOfRetries), () => host.Log.ToString());
        _positions.IsDown = false;
    }

    [Fact]
    public async Task A_write_that_was_sent_before_the_sink_refused_does_not_say_who_has_the_lease()
    {
        Kinesis.CreateStream(Stream);
        List<string> first = Put(3);
        var leases = new ScriptedLeaseStoreFactory(Leases);
        await using WorkerHost host = await StartSinkAsync<SinkProcessor>(leases);
        await _effects.WaitForAsync(first, host.Log);
        (PositionKey key, StoredPosition row) = await RowAsync();
        await Eventually.TrueAsync(() => Rows.Single().Checkpoint == row.Position, () => host.Log.ToString());

        // a renewal takes effect, and its answer is on its way
        TaskCompletionSource written = new();
        TaskCompletionSource answered = new();
        leases.Store.BeforeAnswer = _ =>
        {
            written.TrySetResult();
            return answered.Task;
        };
        await Eventually.WithinAsync(written.Task);
        leases.Store.BeforeUpdate = (_, _) => answered.Task;
        Lease lease = Rows.Single();
        await _positions.SetEpochAsync(key, lease.LeaseCounter + 10, Token);
        Put(1);
        await Eventually.TrueAsync(() => _positions.Refused > 0 && host.BudgetUsed == 0, () => host.Log.ToString());
        Leases.Put(WorkerHost.Application, lease with { LeaseOwner = "another", LeaseCounter = lease.LeaseCounter + 10 });
        answered.TrySetResult();

        await host.WaitForLogAsync(2301);
        Assert.Empty(host.Log.Of(2413));
        Assert.Equal(3, _effects.All.Count);
    }

    [Fact]
    public async Task A_decision_about_a_record_that_the_sink_has_is_refused()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Put(Stream, "k", "stop");
        await using WorkerHost host = await StartSinkAsync<UnforgivingSinkProcessor>();
        var control = host.Host.Services.GetRequiredService<IFastConsumerControl>();
        FailingRecord? failing = null;
        await Eventually.TrueAsync(
            async () => (failing = (await control.ListFailingAsync(Token)).SingleOrDefault()) is not null, () => host.Log.ToString());

        // as where a former try of its was held up on its way, and lands now
        (PositionKey key, StoredPosition row) = await RowAsync();
        var landed = row with { Number = row.Number + 1, Position = CheckpointPosition.Parse(failing!.Position) };
        Assert.True(await _positions.SetAsync(key, row, landed, Token));
        DecidedRecord decided = await control.DecideAsync(failing, RecordDecision.Skip, "ann", null, Token);

        Assert.Contains("is committed in in-memory", decided.Refusal, StringComparison.Ordinal);
        List<string> texts = Put(3);
        await _effects.WaitForAsync(texts, host.Log);
    }

    [Theory]
    [InlineData(false, "no IPositionStore<InMemoryTransaction> is registered")]
    [InlineData(true, "in-memory leases, whose fencing tokens start again")]
    public async Task What_cannot_hold_is_told_at_start(bool hasStore, string message)
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer =>
            {
                consumer.AddProcessor<SinkProcessor>().UseInMemoryLeases(Leases).UseDeadLettersToLog();
                if (hasStore)
                {
                    consumer.UseInMemoryPositions(new LastingPositions());
                }
            },
            services: services => services.AddSingleton(_effects));

        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync());

        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    private CheckpointPosition? Position() => _positions.Rows.Values.SingleOrDefault()?.Position;

    private Task<(PositionKey Key, StoredPosition Row)> RowAsync()
    {
        (PositionKey key, StoredPosition row) = _positions.Rows.Single();
        return Task.FromResult((key, row));
    }

    private Task<WorkerHost> StartAsync(bool inBatches) =>
        inBatches ? StartSinkAsync<SinkBatchProcessor>() : StartSinkAsync<SinkProcessor>();

    private async Task<WorkerHost> StartSinkAsync<TProcessor>(ILeaseStoreFactory? leases = null)
        where TProcessor : class, Processors.IKinesisProcessor<TProcessor>
    {
        WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer =>
            {
                consumer.AddProcessor<TProcessor>().UseInMemoryPositions(_positions).UseDeadLettersToLog();
                if (leases is null)
                {
                    consumer.UseInMemoryLeases(Leases);
                }
                else
                {
                    consumer.Services.AddKeyedSingleton(consumer.Name, leases);
                }
            },
            options => options.CheckpointInterval = TimeSpan.FromMilliseconds(200),
            services: services => services.AddSingleton(_effects));
        await host.StartAsync();
        return host;
    }

    private sealed class LastingPositions : InMemoryPositionStore
    {
        public override bool OutlivesProcess => true;
    }
}

/// <summary>What is visible in the sink.</summary>
internal sealed class Effects
{
    private readonly Lock _lock = new();
    private readonly List<string> _all = [];

    public IReadOnlyList<string> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _all];
            }
        }
    }

    public void Add(string text)
    {
        lock (_lock)
        {
            _all.Add(text);
        }
    }

    /// <summary>All of these are there, as often as they are named; more may be.</summary>
    public Task WaitForAsync(IReadOnlyCollection<string> texts, LogRecorder log) => Eventually.TrueAsync(
        () =>
        {
            List<string> left = [.. All];
            return texts.All(left.Remove);
        },
        () => $"{All.Count} of {texts.Count}\n{log}");
}

/// <summary>Positions in memory whose answers get lost, and which are down at times.</summary>
internal sealed class FailingPositions(InMemoryPositionDatabase database) : InMemoryPositionStore(database)
{
    private readonly InMemoryPositionDatabase _database = database;
    private int _commits;
    private int _failingReads;

    public FailingPositions()
        : this(new InMemoryPositionDatabase())
    {
    }

    /// <summary>Each so-manieth commit is made and not answered; 0 for none.</summary>
    public int LosesEach { get; set; }

    public int Lost { get; private set; }

    /// <summary>After each lost answer so many reads fail.</summary>
    public int FailsReadsAfterLoss { get; set; }

    /// <summary>So many transactions that were committed cannot be ended.</summary>
    public int FailsEnds { get; set; }

    /// <summary>The most values of a transaction; 0 for no bound.</summary>
    public int MostOutputs { get; set; }

    public override int MaxOutputs => MostOutputs > 0 ? MostOutputs : base.MaxOutputs;

    /// <summary>What a commit of outputs does before it is made.</summary>
    public Func<CancellationToken, Task> BeforeCommit { get; set; } = static _ => Task.CompletedTask;

    /// <summary>What it does once it is made, and before it is answered.</summary>
    public Func<CancellationToken, Task> AfterCommit { get; set; } = static _ => Task.CompletedTask;

    public int Refused { get; private set; }

    public bool IsDown { get; set; }

    public InMemoryPositionDatabase Database => _database;

    public IReadOnlyDictionary<PositionKey, StoredPosition> Rows => _database.Snapshot();

    public override Task<StoredPosition> SetEpochAsync(PositionKey key, long epoch, CancellationToken cancellationToken) =>
        IsDown ? throw new IOException("The sink is down.") : base.SetEpochAsync(key, epoch, cancellationToken);

    public override async Task<bool> CommitAsync(
        InMemoryTransaction transaction,
        PositionKey key,
        StoredPosition former,
        CheckpointPosition position,
        CancellationToken cancellationToken)
    {
        return Answer(await base.CommitAsync(transaction, key, former, position, cancellationToken));
    }

    public override async Task<bool> CommitAsync(
        InMemoryTransaction transaction,
        PositionKey key,
        StoredPosition former,
        StoredPosition next,
        CancellationToken cancellationToken)
    {
        await BeforeCommit(cancellationToken);
        bool isCommitted = await base.CommitAsync(transaction, key, former, next, cancellationToken);
        await AfterCommit(cancellationToken);
        return Answer(isCommitted);
    }

    private bool Answer(bool isCommitted)
    {
        Refused += isCommitted ? 0 : 1;
        if (LosesEach > 0 && ++_commits % LosesEach == 0)
        {
            Lost++;
            _failingReads = FailsReadsAfterLoss;
            throw new IOException("The commit was not answered.");
        }

        return isCommitted;
    }

    public override Task<StoredPosition?> ReadAsync(PositionKey key, CancellationToken cancellationToken) =>
        _failingReads-- > 0 ? throw new IOException("The row cannot be read.") : base.ReadAsync(key, cancellationToken);

    public override async ValueTask EndAsync(InMemoryTransaction transaction)
    {
        await base.EndAsync(transaction);
        if (FailsEnds-- > 0)
        {
            throw new IOException("The transaction cannot be ended.");
        }
    }
}

/// <summary>The record is not wanted.</summary>
internal sealed class UnwantedException() : Exception("The record is not wanted.");

[KinesisProcessor("events")]
[OnError(typeof(UnwantedException), ErrorAction.Skip)]
[OnError(typeof(NotSupportedException), ErrorAction.DeadLetter)]
internal sealed partial class SinkProcessor(Effects effects)
{
    [Filter]
    public static bool IsOfInterest(ReadOnlySpan<byte> data) => !data.SequenceEqual("filter"u8);

    [OnRecord]
    public async Task HandleAsync(string text, [SinkTransaction] InMemoryTransaction transaction, CancellationToken cancellationToken)
    {
        await Task.Yield();
        transaction.Add(() => effects.Add(text));
        switch (text)
        {
            case "skip":
                throw new UnwantedException();
            case "bury":
                throw new NotSupportedException("It can never be written.");
        }
    }
}

[KinesisProcessor("events")]
internal sealed partial class SinkBatchProcessor(Effects effects)
{
    [Filter]
    public static bool IsOfInterest(ReadOnlySpan<byte> data) => !data.SequenceEqual("filter"u8);

    [OnBatch(MaxRecords = 4, MaxWait = "00:00:00.1")]
    public async Task HandleAsync(
        ReadOnlyMemory<string> texts, [SinkTransaction] InMemoryTransaction transaction, CancellationToken cancellationToken)
    {
        await Task.Yield();
        foreach (string text in texts.ToArray())
        {
            transaction.Add(() => effects.Add(text));
        }
    }
}

[KinesisProcessor("events")]
[OnError(typeof(IOException), ErrorAction.DeadLetter)]
[OnError(typeof(NotSupportedException), ErrorAction.Stop)]
internal sealed partial class UnforgivingSinkProcessor(Effects effects)
{
    [OnRecord]
    public async Task HandleAsync(string text, [SinkTransaction] InMemoryTransaction transaction, CancellationToken cancellationToken)
    {
        await Task.Yield();
        transaction.Add(() => effects.Add(text));
        if (text == "stop")
        {
            throw new NotSupportedException("It can never be written.");
        }
    }
}

[KinesisProcessor("events")]
[OnError(typeof(IOException), ErrorAction.DeadLetter)]
internal sealed partial class UnforgivingSinkBatchProcessor(Effects effects)
{
    [OnBatch(MaxRecords = 4, MaxWait = "00:00:00.1")]
    public async Task HandleAsync(
        ReadOnlyMemory<string> texts, [SinkTransaction] InMemoryTransaction transaction, CancellationToken cancellationToken)
    {
        await Task.Yield();
        foreach (string text in texts.ToArray())
        {
            transaction.Add(() => effects.Add(text));
        }
    }
}
