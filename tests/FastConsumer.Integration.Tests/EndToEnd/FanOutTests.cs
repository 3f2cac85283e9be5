using FastConsumer.Hosting;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>
/// Enhanced fan-out on a server that nobody here wrote: kinesis-local sends no initial response, an event of up to 15 MB each
/// second, and never the end of a shard.
/// </summary>
public sealed class FanOutTests(LocalAws aws)
{
    private const int ConsumerReady = 2050;

    [Fact]
    public async Task Handles_every_record_once_and_goes_on_after_a_restart()
    {
        const string stream = "fan-out";
        var cancellationToken = TestContext.Current.CancellationToken;
        await aws.Producer.CreateStreamAsync(stream, 3, cancellationToken);
        var journal = new Journal();
        var put = TestRecords.Mixed(1_000, seed: 11).ToList();
        var produced = (await aws.Producer.PutRecordsAsync(stream, put, cancellationToken)).ToList();

        await using (var first = await StartAsync(journal, stream))
        {
            await journal.HasAsync(put.Count, first);
            await AddAsync(put, produced, stream, seed: 12);
            await journal.HasAsync(put.Count, first);
            await first.StopAsync();
            Assert.Single(first.Log.Of(ConsumerReady));
        }

        await AddAsync(put, produced, stream, seed: 13);
        await using var second = await StartAsync(journal, stream);
        await journal.HasAsync(put.Count, second);
        await AddAsync(put, produced, stream, seed: 14);
        await journal.HasAsync(put.Count, second);
        await second.StopAsync();

        journal.AssertExactly(put, produced);
        Assert.DoesNotContain(second.Log.Lines, line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
    }

    [Fact]
    public async Task Takes_events_of_many_megabytes()
    {
        const string stream = "fan-out-large";
        var cancellationToken = TestContext.Current.CancellationToken;
        await aws.Producer.CreateStreamAsync(stream, 1, cancellationToken);
        var random = new Random(15);
        var put = Enumerable.Range(0, 9).Select(i =>
        {
            var data = new byte[900_000];
            random.NextBytes(data);
            return new RecordToPut($"key-{i}", data);
        }).ToArray();
        var produced = await aws.Producer.PutRecordsAsync(stream, put, cancellationToken);
        var journal = new Journal();
        await using var worker = await StartAsync(journal, stream);
        await journal.HasAsync(put.Length, worker);
        await worker.StopAsync();
        journal.AssertExactly(put, produced);
    }

    private Task<TestWorker> StartAsync(Journal journal, string stream) =>
        TestWorker.StartAsync(journal, aws.KinesisUrl, aws.DynamoUrl, stream, options => options.ReadMode = ReadMode.FanOut);

    private async Task AddAsync(List<RecordToPut> put, List<ProducedRecord> produced, string stream, int seed)
    {
        var more = TestRecords.Mixed(100, seed);
        put.AddRange(more);
        produced.AddRange(await aws.Producer.PutRecordsAsync(stream, more, TestContext.Current.CancellationToken));
    }
}
