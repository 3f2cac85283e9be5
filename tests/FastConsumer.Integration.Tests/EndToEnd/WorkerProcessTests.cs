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
            "it is checkpointed",
            async () => Assert.Single(await RowsAsync(stream)).Value.Position() == more[^1].SequenceNumber,
            second.ToString);
        var row = Assert.Single(await RowsAsync(stream)).Value;
        Assert.Equal("second", row.Owner());
        await StopAsync(zombie);
        await StopAsync(second);

        AssertPrinted([.. produced, .. more], zombie, second);
        // what both have printed came after the zombie's last checkpoint, and the later records are the second's alone
        Assert.All(zombie.Records.Where(record => second.Records.Any(other => other.SequenceNumber == record.SequenceNumber)), record =>
            Assert.True(record.SequenceNumber > frozen.Position()));
        Assert.DoesNotContain(zombie.Records, record => record.SequenceNumber >= more[0].SequenceNumber);
        Assert.Equal(
            more.Select(record => record.SequenceNumber), second.Records.TakeLast(more.Count).Select(record => record.SequenceNumber));
        AssertOneLargerToken(zombie.Records, second.Records);
        Assert.Equal(more[^1].SequenceNumber, Assert.Single(await RowsAsync(stream)).Value.Position());
    }

    [Theory]
    [InlineData("shared-at-once", false)]
    [InlineData("shared-later", true)]
    public async Task Two_share_the_shards_and_the_one_that_stays_takes_all(string stream, bool comesLater)
    {
        await aws.Producer.CreateStreamAsync(stream, 4, TestContext.Current.CancellationToken);
        await using var first = WorkerProcess.Start(aws, stream, "first");
        if (comesLater)
        {
            await Eventually.ThatAsync("the first has all shards", () => Logged("took shard", first) == 4, first.ToString);
        }

        await using var second = WorkerProcess.Start(aws, stream, "second");
        await Eventually.ThatAsync(
            "each has two shards",
            async () =>
                (await RowsAsync(stream)).Values.Select(row => row.Owner()).Order().SequenceEqual(["first", "first", "second", "second"])
                // one that was robbed of a shard goes on with it until it notices; one that is asked for a shard releases it
                && Logged("took shard", first, second)
                    - Logged("lost shard", first, second) - Logged("released shard", first, second) == 4,
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

    [Fact]
    public async Task A_handler_that_hangs_does_not_keep_a_shard_that_another_asks_for()
    {
        const string stream = "hung";
        var produced = await PutHangingAsync(stream, 2);
        using var late = new LateFiles();
        await using var first = StartHanging(stream, late);
        await first.HasSaidAsync([.. produced.Select(record => $"hangs {record.ShardId}").Distinct()]);

        await using var second = WorkerProcess.Start(aws, stream, "second");
        var moved = await TakenByAsync(stream, second, first);
        // its owner has answered: it cancelled the handler, gave it up, and passed the lease on
        await first.HasLoggedAsync($"first hands shard {moved} over to second");
        await first.HasSaidAsync($"cancelled {moved}");
        await first.HasLoggedAsync($"the handler of shard {moved} ignores its cancelled token");
        await first.HasLoggedAsync($"first released shard {moved} to second");
        late.Let(moved);
        await first.HasSaidAsync($"refused {moved} {nameof(OperationCanceledException)}");

        await StopAsync(first);
        await HaveAsync(produced, first, second);
        await StopAsync(second);
        AssertPrinted(produced, first, second);
        Assert.DoesNotContain(first.Log, line => line.Contains("lost shard", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_shard_whose_owner_does_not_answer_is_taken_from_it()
    {
        const string stream = "unanswered";
        var produced = await PutHangingAsync(stream, 2);
        await using var proxy = await ListlessProxy.StartAsync(aws.DynamoUrl, TestContext.Current.CancellationToken);
        using var late = new LateFiles();
        await using var first = StartHanging(stream, late, proxy.ServiceUrl);
        await first.HasSaidAsync([.. produced.Select(record => $"hangs {record.ShardId}").Distinct()]);
        // it renews what it has, and does not see who asks for it
        proxy.Throttles = true;

        await using var second = WorkerProcess.Start(aws, stream, "second");
        var moved = await TakenByAsync(stream, second, first);
        await first.HasSaidAsync($"cancelled {moved}");
        late.Let(moved);
        await first.HasSaidAsync($"refused {moved} LeaseLostException");
        await first.HasLoggedAsync($"first lost shard {moved}: second has taken it");
        Assert.DoesNotContain(first.Log, line => line.Contains("hands shard", StringComparison.Ordinal));
        // one at a time, and no more than its share
        Assert.Equal(["first", "second"], (await RowsAsync(stream)).Values.Select(row => row.Owner()).Order());

        proxy.Throttles = false;
        await StopAsync(first);
        await HaveAsync(produced, first, second);
        await StopAsync(second);
        AssertPrinted(produced, first, second);
        var stolen = first.Records.Where(record => record.ShardId == moved).ToList();
        AssertOneLargerToken(stolen, second.Records.Where(record => record.ShardId == moved));
    }

    private WorkerProcess StartHanging(string stream, LateFiles late, string? dynamoUrl = null) =>
        WorkerProcess.Start(
            aws, stream, "first", default, dynamoUrl, "--hang=hang", $"--late={late.Prefix}", "--FastConsumer:StopTimeout=00:00:08");

    /// <summary>Records of which one in each shard is such that the handler hangs.</summary>
    private async Task<IReadOnlyList<(string ShardId, BigInteger SequenceNumber)>> PutHangingAsync(string stream, int shards)
    {
        var produced = await PutAsync(stream, shards, 50);
        var hanging = Enumerable.Range(0, shards)
            .Select(i => new RecordToPut("hang", "hang"u8.ToArray(), (UInt128.MaxValue / (UInt128)shards * (UInt128)i) + 1));
        var hang = await aws.Producer.PutRecordsAsync(stream, hanging, TestContext.Current.CancellationToken);
        Assert.Equal(shards, hang.Select(record => record.ShardId).Distinct().Count());
        return [
            .. produced, .. hang.Select(record => (record.ShardId, BigInteger.Parse(record.SequenceNumber, CultureInfo.InvariantCulture))),
            .. await PutMoreAsync(stream, 50, 50)];
    }

    /// <summary>The shard that a worker has got.</summary>
    private async Task<string> TakenByAsync(string stream, WorkerProcess taker, WorkerProcess owner)
    {
        string? taken = null;
        await Eventually.ThatAsync(
            $"{taker.Name} has a shard",
            async () => (taken = (await RowsAsync(stream)).FirstOrDefault(row => row.Value.Owner() == taker.Name).Key) is not null,
            () => $"{owner}{Environment.NewLine}{taker}");
        return taken!;
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
        Eventually.ThatAsync(
            "all records are printed", () => Covers(produced, workers), () => string.Join<WorkerProcess>(Environment.NewLine, workers));

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

    /// <summary>Files by which handlers that hang are let go on, each shard's by one of its own.</summary>
    private sealed class LateFiles : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fastconsumer-late-");

        public string Prefix => Path.Combine(_folder.FullName, "late");

        public void Let(string shardId) => File.WriteAllText($"{Prefix}.{shardId}", "");

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
