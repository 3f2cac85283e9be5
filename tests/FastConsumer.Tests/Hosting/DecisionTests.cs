using System.Text.Json;
using FastConsumer.Hosting;
using FastConsumer.Leases;
using FastConsumer.Operators;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

/// <summary>What operators decide about a record that a shard waits for.</summary>
public sealed class DecisionTests : WorkerTest
{
    private readonly string _letters = Path.Combine(Path.GetTempPath(), $"letters-{Guid.NewGuid():n}.json");

    [Theory]
    [InlineData(typeof(StoppedProcessor))]
    [InlineData(typeof(StoppedLaneProcessor))]
    [InlineData(typeof(StoppedBatchProcessor))]
    public async Task A_record_that_was_decided_to_be_skipped_is_left_out_without_a_call_and_its_shard_goes_on(Type processor)
    {
        Kinesis.CreateStream(Stream);
        Fails("key-1:1");
        List<string> texts = Put(12, keys: 4);
        await using WorkerHost host = await StartAsync(processor);
        IFastConsumerControl control = Control(host);
        FailingRecord failing = await FailingAsync(control, host);
        Assert.Equal(
            ("shardId-000000000000", nameof(NotSupportedException), true), (failing.ShardId, failing.Error, failing.IsStopped));
        Assert.Contains("FCF3001", control.GetSnapshot().Findings.Select(static finding => finding.Id));
        int calls = CallsWithPoison;
        long epoch = Row(failing.ShardId).LeaseCounter;

        DecidedRecord decided = await control.DecideAsync(
            failing, RecordDecision.Skip, "ann", "not \"ours\"", TestContext.Current.CancellationToken);
        Assert.Null(decided.Refusal);
        Assert.Equal(("ann", "not \"ours\"", failing.Position), (decided.By, decided.Reason, decided.Position));
        texts.AddRange(Put(4, keys: 4));
        await Journal.WaitForAsync([.. texts.Where(static text => text != "key-1:1")], host.Log);
        Assert.Equal(calls, CallsWithPoison);
        Assert.Empty(await control.ListFailingAsync(TestContext.Current.CancellationToken));
        Assert.Null(Row(failing.ShardId).Command);
        Assert.True(Row(failing.ShardId).LeaseCounter > epoch);
        LogEntry audit = await host.WaitForLogAsync(2610);
        Assert.Contains("ann", audit.Message, StringComparison.Ordinal);
        Assert.Contains(failing.Position, audit.Message, StringComparison.Ordinal);
        await host.WaitForHealthAsync(HealthStatus.Healthy);
        Assert.DoesNotContain("FCF3001", control.GetSnapshot().Findings.Select(static finding => finding.Id));
    }

    [Fact]
    public async Task A_dead_letter_says_who_has_decided_it_and_the_checkpoint_passes_it_with_the_decision()
    {
        Kinesis.CreateStream(Stream);
        Fails("key-0:2");
        Put(5, keys: 1);
        await using WorkerHost host = await StartAsync(typeof(StoppedProcessor), letters: true);
        IFastConsumerControl control = Control(host);
        FailingRecord failing = await FailingAsync(control, host);
        Lease before = Row(failing.ShardId);
        DecidedRecord decided = await control.DecideAsync(
            failing, RecordDecision.DeadLetter, "ann", "bad producer", TestContext.Current.CancellationToken);
        Assert.Null(decided.Refusal);
        Lease after = Row(failing.ShardId);
        Assert.True(after.Checkpoint > before.Checkpoint);
        Assert.Null(after.Standing);
        Assert.Equal(decided, OperatorNotes.ReadDecision(after.Decision));
        using var letter = JsonDocument.Parse(Assert.Single(await File.ReadAllLinesAsync(_letters, TestContext.Current.CancellationToken)));
        Assert.Equal("ann", letter.RootElement.GetProperty("decidedBy").GetString());
        Assert.Equal("bad producer", letter.RootElement.GetProperty("reason").GetString());
        Assert.Contains(nameof(NotSupportedException), letter.RootElement.GetProperty("message").GetString(), StringComparison.Ordinal);
        await Eventually.TrueAsync(() => Journal.Done.Count >= 4, () => $"{host.Log}");
        File.Delete(_letters);
    }

    [Fact]
    public async Task A_retry_calls_the_handler_again_with_a_new_instance()
    {
        Kinesis.CreateStream(Stream);
        Fails("key-0:1");
        List<string> texts = Put(3, keys: 1);
        await using WorkerHost host = await StartAsync(typeof(StoppedProcessor));
        IFastConsumerControl control = Control(host);
        FailingRecord failing = await FailingAsync(control, host);

        // still wrong: it stops again, at the same record, under a new owner's token
        Assert.Null((await DecideAsync(control, failing, RecordDecision.Retry)).Refusal);
        await Eventually.TrueAsync(() => CallsWithPoison == 2, () => $"{host.Log}");
        FailingRecord again = await FailingAsync(control, host);
        Assert.Equal(failing.Position, again.Position);
        Assert.True(again.FencingToken > failing.FencingToken);

        Journal.Handler = static (_, _, _) => default;
        Assert.Null((await DecideAsync(control, again, RecordDecision.Retry)).Refusal);
        await Journal.WaitForAsync(texts, host.Log);
        Assert.Equal(3, Journal.Instances);
    }

    [Fact]
    public async Task What_was_decided_for_another_record_another_owner_or_without_a_place_for_letters_is_refused()
    {
        Kinesis.CreateStream(Stream);
        Fails("key-0:1");
        Put(3, keys: 1);
        await using WorkerHost host = await StartAsync(typeof(StoppedProcessor));
        IFastConsumerControl control = Control(host);
        FailingRecord failing = await FailingAsync(control, host);
        await RefusedAsync(failing with { Position = "17" }, RecordDecision.Skip, "no longer fails on record 17");
        await RefusedAsync(failing with { FencingToken = failing.FencingToken - 1 }, RecordDecision.Skip, "has another owner since");
        await RefusedAsync(failing with { ShardId = "shardId-000000000009" }, RecordDecision.Skip, "There is no lease for shard");
        // the owner refuses, and says so in the row
        await RefusedAsync(failing, RecordDecision.DeadLetter, "has no place for dead letters");
        Assert.Contains("no place for dead letters", (await host.WaitForLogAsync(2611)).Message, StringComparison.Ordinal);
        Assert.Null(Row(failing.ShardId).Command);
        Assert.NotNull(Row(failing.ShardId).Standing);
        await Assert.ThrowsAsync<ArgumentException>(() => control.DecideAsync(
            failing, RecordDecision.Skip, new string('x', 65), cancellationToken: TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<ArgumentException>(
            () => DecideAsync(control, failing with { ProcessorName = "Nobody" }, RecordDecision.Skip));
        Assert.Equal(1, CallsWithPoison);
        Assert.Equal(failing, Assert.Single(await control.ListFailingAsync(TestContext.Current.CancellationToken)));
        // and it can still be decided
        Assert.Null((await DecideAsync(control, failing, RecordDecision.Skip)).Refusal);

        async Task RefusedAsync(FailingRecord record, RecordDecision decision, string why) =>
            Assert.Contains(why, (await DecideAsync(control, record, decision)).Refusal, StringComparison.Ordinal);
    }

    /// <summary>The command reaches whoever holds the shard: here it is written by a process that does not.</summary>
    [Fact]
    public async Task A_record_that_another_process_retries_again_and_again_is_decided_through_its_row()
    {
        Kinesis.CreateStream(Stream);
        Journal.Handler = static (delivery, _, _) => delivery.Text == "key-0:1" ? throw new IOException("down") : default;
        List<string> texts = Put(3, keys: 1);
        await using WorkerHost owner = await StartAsync(typeof(StoppedProcessor));
        await owner.WaitForLogAsync(2100);
        await using WorkerHost other = await StartAsync(typeof(StoppedProcessor));
        FailingRecord failing = await FailingAsync(Control(other), owner);
        Assert.False(failing.IsStopped);
        Assert.Equal(nameof(IOException), failing.Error);
        Assert.Null((await DecideAsync(Control(other), failing, RecordDecision.Skip)).Refusal);
        await Journal.WaitForAsync([.. texts.Where(static text => text != "key-0:1")], owner.Log);
    }

    /// <summary>A record that succeeds after all is no longer told, and cannot be decided about.</summary>
    [Fact]
    public async Task What_succeeds_after_all_is_told_no_longer()
    {
        Kinesis.CreateStream(Stream);
        Journal.Handler = static (delivery, _, _) => delivery.Text == "key-0:1" ? throw new IOException("down") : default;
        List<string> texts = Put(3, keys: 1);
        await using WorkerHost host = await StartAsync(typeof(StoppedProcessor));
        IFastConsumerControl control = Control(host);
        FailingRecord failing = await FailingAsync(control, host);
        Journal.Handler = static (_, _, _) => default;
        await Journal.WaitForAsync(texts, host.Log);
        await Eventually.TrueAsync(() => Row(failing.ShardId).Standing is null, () => $"{host.Log}");
        Assert.Contains("no longer fails", (await DecideAsync(control, failing, RecordDecision.Skip)).Refusal, StringComparison.Ordinal);
    }

    private int CallsWithPoison => Journal.Begun.Count(static delivery => !delivery.Completed);

    private void Fails(string text)
    {
        Journal.Handler = (delivery, _, _) => delivery.Text == text ? throw new NotSupportedException("never") : default;
        Journal.BatchHandler = (batch, context, _) =>
        {
            int index = batch.ToList().FindIndex(delivery => delivery.Text == text);
            if (index >= 0)
            {
                context.Fail(index, new NotSupportedException("never"));
            }

            return default;
        };
    }

    private static IFastConsumerControl Control(WorkerHost host) => host.Host.Services.GetRequiredService<IFastConsumerControl>();

    private static Task<DecidedRecord> DecideAsync(IFastConsumerControl control, FailingRecord record, RecordDecision decision) =>
        control.DecideAsync(record, decision, "ann", cancellationToken: TestContext.Current.CancellationToken);

    private static async Task<FailingRecord> FailingAsync(IFastConsumerControl control, WorkerHost owner)
    {
        IReadOnlyList<FailingRecord> failing = [];
        await Eventually.TrueAsync(
            async () => (failing = await control.ListFailingAsync(TestContext.Current.CancellationToken)).Count > 0,
            () => $"Nothing fails.\n{owner.Log}");
        return Assert.Single(failing);
    }

    private async Task<WorkerHost> StartAsync(Type processor, bool letters = false)
    {
        WorkerHost host = WorkerHost.Build(Kinesis, Journal, consumer =>
        {
            consumer.UseInMemoryLeases(Leases);
            _ = processor == typeof(StoppedProcessor) ? consumer.AddProcessor<StoppedProcessor>()
                : processor == typeof(StoppedLaneProcessor) ? consumer.AddProcessor<StoppedLaneProcessor>()
                : consumer.AddProcessor<StoppedBatchProcessor>();
            if (letters)
            {
                consumer.UseDeadLettersToFile(_letters);
            }
        });
        await host.StartAsync();
        return host;
    }
}

[KinesisProcessor("events")]
[OnError(typeof(NotSupportedException), ErrorAction.Stop)]
internal sealed partial class StoppedProcessor : IDisposable
{
    private readonly Journal _journal;

    public StoppedProcessor(Journal journal)
    {
        _journal = journal;
        journal.Created();
    }

    public void Dispose() => _journal.Removed();

    [OnRecord]
    private ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken) =>
        _journal.RunAsync(Deliveries.Of(record, context), context, cancellationToken);
}

[KinesisProcessor("events")]
[Concurrency(4)]
[OnError(typeof(NotSupportedException), ErrorAction.Stop)]
internal sealed partial class StoppedLaneProcessor(Journal journal)
{
    [OnRecord]
    private ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken) =>
        journal.RunAsync(Deliveries.Of(record, context), context, cancellationToken);
}

[KinesisProcessor("events")]
[OnError(typeof(NotSupportedException), ErrorAction.Stop)]
internal sealed partial class StoppedBatchProcessor(Journal journal)
{
    [OnBatch(MaxRecords = 5, MaxWait = "00:00:00.2")]
    private ValueTask HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken) =>
        journal.RunBatchAsync(Deliveries.Of(batch, context), context, cancellationToken);
}
