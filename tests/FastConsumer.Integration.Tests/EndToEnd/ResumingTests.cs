using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>A worker that was stopped, and the next one.</summary>
public sealed class ResumingTests(LocalAws aws)
{
    [Fact]
    public async Task Loses_and_repeats_nothing_over_stops_in_the_middle()
    {
        const string stream = "resume";
        var cancellationToken = TestContext.Current.CancellationToken;
        await aws.Producer.CreateStreamAsync(stream, 3, cancellationToken);
        var put = TestRecords.Mixed(1_200, seed: 11);
        var produced = new List<ProducedRecord>();
        var waiting = new ManualResetEventSlim();
        var journal = new Journal
        {
            // slow enough that a stop comes while there is more to do
            Handling = _ => Thread.Sleep(waiting.IsSet ? 0 : 2),
        };

        produced.AddRange(await aws.Producer.PutRecordsAsync(stream, put[..800], cancellationToken));
        foreach (var enough in new[] { 150, 400 })
        {
            await using var worker = await TestWorker.StartAsync(journal, aws.KinesisUrl, aws.DynamoUrl, stream);
            await journal.HasAsync(enough, worker);
            await worker.StopAsync();
            Assert.InRange(journal.Count, enough, 799);
            Assert.All((await LeaseRows.ReadAsync(aws.Tables, stream, cancellationToken)).Values, row => Assert.Null(row.Owner()));
        }

        produced.AddRange(await aws.Producer.PutRecordsAsync(stream, put[800..], cancellationToken));
        waiting.Set();
        await using var last = await TestWorker.StartAsync(journal, aws.KinesisUrl, aws.DynamoUrl, stream);
        await journal.HasAsync(put.Length, last);
        await last.StopAsync();

        journal.AssertExactly(put, produced);
        // a fencing token never goes back, and grows from owner to owner
        Assert.All(journal.Records.GroupBy(record => record.ShardId), shard =>
            Assert.Equal(shard.Select(record => record.FencingToken).Order(), shard.Select(record => record.FencingToken)));
        Assert.Contains(journal.Records.GroupBy(record => record.ShardId), shard =>
            shard.Select(record => record.FencingToken).Distinct().Count() > 1);
    }

    [Fact]
    public async Task Tries_a_record_again_whose_handler_threw_twice()
    {
        const string stream = "throws-twice";
        var cancellationToken = TestContext.Current.CancellationToken;
        await aws.Producer.CreateStreamAsync(stream, 2, cancellationToken);
        var put = TestRecords.Mixed(300, seed: 13);
        var produced = await aws.Producer.PutRecordsAsync(stream, put, cancellationToken);
        var unlucky = produced.Where((_, i) => i % 100 == 57).ToHashSet();
        var journal = new Journal
        {
            Handling = record =>
            {
                if (record.Attempt <= 2 && unlucky.Contains(new ProducedRecord(record.ShardId, record.SequenceNumber)))
                    throw new InvalidOperationException("The database is away.");
            },
        };

        await using var worker = await TestWorker.StartAsync(journal, aws.KinesisUrl, aws.DynamoUrl, stream);
        await journal.HasAsync(put.Length, worker);
        await worker.StopAsync();

        journal.AssertExactly(put, produced);
        Assert.All(
            journal.Records,
            record => Assert.Equal(unlucky.Contains(new ProducedRecord(record.ShardId, record.SequenceNumber)) ? 3 : 1, record.Attempt));
        const int handlerFailed = 2100;
        Assert.Equal(2 * unlucky.Count, worker.Log.Of(handlerFailed).Count());
        Assert.All(worker.Log.Of(handlerFailed), line =>
        {
            Assert.Contains("The database is away.", line.Text, StringComparison.Ordinal);
            Assert.Contains(unlucky, record => line.Text.Contains(record.SequenceNumber, StringComparison.Ordinal));
        });
    }
}
