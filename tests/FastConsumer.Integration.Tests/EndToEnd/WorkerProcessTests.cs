using System.Globalization;
using System.Numerics;
using System.Text;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>Workers as processes: killed, ended, frozen, and side by side.</summary>
public sealed class WorkerProcessTests(LocalAws aws)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(4);

    [Fact]
    public async Task Another_takes_over_from_a_killed_one_after_its_last_checkpoint()
    {
        const string stream = "killed";
        const int count = 900;
        var produced = await PutAsync(stream, 2, count);
        await using var first = WorkerProcess.Start(aws, stream, "first", Pause);
        await first.HasPrintedAsync(300);
        first.Send(Signal.Kill);
        Assert.NotEqual(0, await first.ExitedAsync());
        var rows = await RowsAsync(stream);
        Assert.All(rows.Values, row => Assert.Equal("first", row.Owner()));
        Assert.InRange(first.Records.Count, 300, count - 1);

        await using var second = WorkerProcess.Start(aws, stream, "second");
        await HaveAsync(produced, first, second);
        await StopAsync(second);

        AssertPrinted(produced, first, second);
        foreach (var (shardId, row) in rows)
        {
            Assert.True(row.Position() > 0, "The first worker never checkpointed: the test says nothing.");
            var before = first.Records.Where(record => record.ShardId == shardId).ToList();
            var after = second.Records.Where(record => record.ShardId == shardId).ToList();
            // the second goes on right after the checkpoint: no record less, and none that was checkpointed
            Assert.Equal(
                produced.Where(record => record.ShardId == shardId && record.SequenceNumber > row.Position()),
                after.Select(record => (record.ShardId, record.SequenceNumber)));
            AssertOneLargerToken(before, after);
        }
    }

    [Fact]
    public async Task A_terminated_one_leaves_nothing_to_do_again()
    {
        const string stream = "terminated";
        const int count = 900;
        var produced = await PutAsync(stream, 2, count);
        await using var first = WorkerProcess.Start(aws, stream, "first", Pause);
        await first.HasPrintedAsync(300);
        await StopAsync(first);
        Assert.InRange(first.Records.Count, 300, count - 1);
        foreach (var (shardId, row) in await RowsAsync(stream))
        {
            Assert.Null(row.Owner());
            var last = first.Records.Last(record => record.ShardId == shardId).SequenceNumber;
            Assert.True(last == row.Position(), $"{shardId} is checkpointed at {row.Checkpoint()}, and printed up to {last}. {first}");
        }

        await using var second = WorkerProcess.Start(aws, stream, "second");
        await HaveAsync(produced, first, second);
        await StopAsync(second);

        Assert.Equal(
            produced.Order(), first.Records.Concat(second.Records).Select(record => (record.ShardId, record.SequenceNumber)).Order());
    }

    [Fact]
    public async Task A_frozen_one_does_no_harm_when_it_wakes()
    {
        const string stream = "frozen";
        var produced = await PutAsync(stream, 1, 900);
        await using var zombie = WorkerProcess.Start(aws, stream, "zombie", Pause);
        await zombie.HasPrintedAsync(200);
        zombie.Send(Signal.Stop);
        var frozen = Assert.Single(await RowsAsync(stream)).Value;
        Assert.Equal("zombie", frozen.Owner());

        await using var second = WorkerProcess.Start(aws, stream, "second");
        await HaveAsync(produced, zombie, second);
        await Eventually.ThatAsync(
            "the second has checkpointed the last record",
            async () => Assert.Single(await RowsAsync(stream)).Value.Position() == produced[^1].SequenceNumber,
            second.ToString);
        var taken = Assert.Single(await RowsAsync(stream)).Value;
        Assert.Equal("second", taken.Owner());

        zombie.Send(Signal.Continue);
        await zombie.HasLoggedAsync("lost shard");
        var more = await PutMoreAsync(stream, 900, 100);
        await Eventually.ThatAsync("the second printed what came later", () => Covers(more, second), second.ToString);
        await Eventually.ThatAsync(
            "it is checkpointed", async () => Assert.Single(await RowsAsync(stream)).Value.Position() == more[^1].SequenceNumber, second.ToString);
        var row = Assert.Single(await RowsAsync(stream)).Value;
        Assert.Equal("second", row.Owner());
        await StopAsync(zombie);
        await StopAsync(second);

        AssertPrinted([.. produced, .. more], zombie, second);
        // what both have printed came after the zombie's last checkpoint, and the later records are the second's alone
        Assert.All(zombie.Records.Where(record => second.Records.Any(other => other.SequenceNumber == record.SequenceNumber)), record =>
            Assert.True(record.SequenceNumber > frozen.Position()));
        Assert.DoesNotContain(zombie.Records, record => record.SequenceNumber >= more[0].SequenceNumber);
        Assert.Equal(more.Select(record => record.SequenceNumber), second.Records.TakeLast(more.Count).Select(record => record.SequenceNumber));
        AssertOneLargerToken(zombie.Records, second.Records);
        Assert.Equal(more[^1].SequenceNumber, Assert.Single(await RowsAsync(stream)).Value.Position());
    }

    [Fact]
    public async Task Two_share_the_shards_and_the_one_that_stays_takes_all()
    {
        const string stream = "shared";
        await aws.Producer.CreateStreamAsync(stream, 4, TestContext.Current.CancellationToken);
        await using var first = WorkerProcess.Start(aws, stream, "first");
        await using var second = WorkerProcess.Start(aws, stream, "second");
        await Eventually.ThatAsync(
            "each has two shards",
            async () => (await RowsAsync(stream)).Values.Select(row => row.Owner()).Order().SequenceEqual(["first", "first", "second", "second"])
                // one that was robbed of a shard goes on with it until it notices
                && Logged("took shard", first, second) - Logged("lost shard", first, second) == 4,
            () => $"{first}{Environment.NewLine}{second}");
        var owners = (await RowsAsync(stream)).ToDictionary(row => row.Key, row => row.Value.Owner());
        var produced = await PutMoreAsync(stream, 0, 400);
        await HaveAsync(produced, first, second);
        Assert.All(first.Records.Concat(second.Records), record => Assert.Equal(owners[record.ShardId], record.Worker));

        await StopAsync(first);
        var more = await PutMoreAsync(stream, 400, 400);
        await Eventually.ThatAsync("the second printed the rest", () => Covers(more, second), second.ToString);
        Assert.All((await RowsAsync(stream)).Values, row => Assert.Equal("second", row.Owner()));
        await StopAsync(second);

        List<(string, BigInteger)> all = [.. produced, .. more];
        Assert.Equal(all.Order(), first.Records.Concat(second.Records).Select(record => (record.ShardId, record.SequenceNumber)).Order());
    }

    private static int Logged(string text, params WorkerProcess[] workers) =>
        workers.Sum(worker => worker.Log.Count(line => line.Contains(text, StringComparison.Ordinal)));

    /// <summary>Ends it as a service manager does.</summary>
    private static async Task StopAsync(WorkerProcess worker)
    {
        worker.Send(Signal.Terminate);
        Assert.Equal(0, await worker.ExitedAsync());
    }

    private static bool Covers(IEnumerable<(string ShardId, BigInteger SequenceNumber)> produced, params WorkerProcess[] workers)
    {
        var printed = workers.SelectMany(worker => worker.Records).Select(record => (record.ShardId, record.SequenceNumber)).ToHashSet();
        return produced.All(printed.Contains);
    }

    private static Task HaveAsync(IReadOnlyList<(string ShardId, BigInteger SequenceNumber)> produced, params WorkerProcess[] workers) =>
        Eventually.ThatAsync("all records are printed", () => Covers(produced, workers), () => string.Join<WorkerProcess>(Environment.NewLine, workers));

    /// <summary>Asserts that nothing is missing, that each worker printed no record twice, and each shard in order.</summary>
    private static void AssertPrinted(IReadOnlyList<(string ShardId, BigInteger SequenceNumber)> produced, params WorkerProcess[] workers)
    {
        Assert.True(Covers(produced, workers));
        Assert.All(workers, worker => Assert.All(worker.Records.GroupBy(record => record.ShardId), shard =>
            Assert.Equal(shard.Select(record => record.SequenceNumber).Distinct().Order(), shard.Select(record => record.SequenceNumber))));
    }

    private static void AssertOneLargerToken(IEnumerable<PrintedRecord> before, IEnumerable<PrintedRecord> after) => Assert.True(
        before.Select(record => record.FencingToken).Distinct().Single() < after.Select(record => record.FencingToken).Distinct().Single());

    private async Task<IReadOnlyDictionary<string, Dictionary<string, Amazon.DynamoDBv2.Model.AttributeValue>>> RowsAsync(string stream) =>
        await LeaseRows.ReadAsync(aws.Tables, stream, TestContext.Current.CancellationToken);

    private async Task<IReadOnlyList<(string ShardId, BigInteger SequenceNumber)>> PutAsync(string stream, int shards, int count)
    {
        await aws.Producer.CreateStreamAsync(stream, shards, TestContext.Current.CancellationToken);
        return await PutMoreAsync(stream, 0, count);
    }

    /// <summary>In the order of each shard.</summary>
    private async Task<IReadOnlyList<(string ShardId, BigInteger SequenceNumber)>> PutMoreAsync(string stream, int from, int count)
    {
        var records = Enumerable.Range(from, count).Select(i => new RecordToPut($"key-{i}", Encoding.UTF8.GetBytes($"payload-{i}")));
        var produced = await aws.Producer.PutRecordsAsync(stream, records, TestContext.Current.CancellationToken);
        return [.. produced
            .Select(record => (record.ShardId, SequenceNumber: BigInteger.Parse(record.SequenceNumber, CultureInfo.InvariantCulture)))
            .OrderBy(record => record.SequenceNumber)];
    }
}
