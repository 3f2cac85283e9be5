using System.Globalization;
using System.Text;
using System.Text.Json;
using FastConsumer.Kinesis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Hosting;

public sealed class ErrorPolicyTests : WorkerTest
{
    private readonly Letters _letters = new();

    [Fact]
    public async Task Skip_leaves_out_one_record_and_says_which()
    {
        Kinesis.CreateStream(Stream);
        PutOrders("a", "b");
        SequenceNumber poison = Kinesis.Put(Stream, "k", "secret, not json").SequenceNumber;
        SequenceNumber last = PutOrders("c");
        await using WorkerHost host = await StartRuledAsync<SkippingProcessor>();
        await Journal.WaitForAsync(["a", "b", "c"], host.Log);
        await Eventually.TrueAsync(() => Rows.Single().Checkpoint == CheckpointPosition.At(last), () => host.Log.ToString());
        LogEntry skipped = Assert.Single(host.Log.Of(2107));
        Assert.Equal(LogLevel.Warning, skipped.Level);
        Assert.Contains(poison.ToString(), skipped.Message, StringComparison.Ordinal);
        Assert.Contains("shardId-000000000000", skipped.Message, StringComparison.Ordinal);
        Assert.IsType<JsonException>(skipped.Error);
        Assert.DoesNotContain(host.Log.Entries, static entry => entry.Message.Contains("secret", StringComparison.Ordinal));
        await host.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_checkpoint_does_not_pass_a_record_whose_dead_letter_is_not_written()
    {
        Kinesis.CreateStream(Stream);
        SequenceNumber before = PutOrders("a", "b");
        Kinesis.Put(Stream, "k", "[]");
        SequenceNumber last = PutOrders("c");
        _letters.Failing = true;
        await using (WorkerHost host = await StartRuledAsync<BuryingProcessor>())
        {
            string description = await host.WaitForHealthAsync(HealthStatus.Degraded);
            Assert.Contains("dead letter", description, StringComparison.Ordinal);
            await host.WaitForLogAsync(2109);
            await Eventually.TrueAsync(() => Rows.Single().Checkpoint == CheckpointPosition.At(before), () => host.Log.ToString());
            // neither a stop nor a crash passes it
            await host.StopAsync();
        }

        Assert.Equal(CheckpointPosition.At(before), Rows.Single().Checkpoint);
        Assert.Equal(["a", "b"], Journal.Done.Select(static delivery => delivery.Text));
        WorkerHost dying = await StartRuledAsync<BuryingProcessor>();
        await dying.WaitForLogAsync(2109);
        await dying.DisposeWithoutStopAsync();
        Assert.Equal(CheckpointPosition.At(before), Rows.Single().Checkpoint);

        _letters.Failing = false;
        await using WorkerHost next = await StartRuledAsync<BuryingProcessor>();
        await Journal.WaitForAsync(["a", "b", "c"], next.Log);
        await Eventually.TrueAsync(() => Rows.Single().Checkpoint == CheckpointPosition.At(last), () => next.Log.ToString());
        Letter letter = Assert.Single(_letters.Written);
        Assert.Equal(
            ("[]", "k", 1, "JsonException", "shardId-000000000000", "BuryingProcessor"),
            (letter.Data, letter.Key, letter.Attempts, letter.Exception, letter.ShardId, letter.Processor));
        await next.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task Attempts_are_bounded_and_what_comes_then_is_done()
    {
        Kinesis.CreateStream(Stream);
        PutOrders("a", "bad", "c", "worse", "e");
        Journal.Handler = static (delivery, _, _) => delivery.Text switch
        {
            "bad" => throw new TimeoutException("slow"),
            "worse" => throw new FormatException("wrong"),
            _ => default,
        };
        await using WorkerHost host = await StartRuledAsync<BuryingProcessor>();
        await Journal.WaitForAsync(["a", "c", "e"], host.Log);
        Assert.Equal(
            ["a#1", "bad#1", "bad#2", "bad#3", "c#1", "worse#1", "worse#2", "e#1"],
            Journal.Begun.Select(static delivery => $"{delivery.Text}#{delivery.Attempt}"));
        Letter letter = Assert.Single(_letters.Written);
        Assert.Equal(("""{"Id":"bad"}""", 3, "TimeoutException"), (letter.Data, letter.Attempts, letter.Exception));
        Assert.Single(host.Log.Of(2107));
        await host.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task Stop_halts_its_shard_only()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        HashKeyRange[] ranges = [.. Kinesis.ListShards(Stream).Select(static shard => shard.HashKeyRange)];
        Kinesis.Put(Stream, "k", """{"Id":"fatal"}""", ranges[0].StartingHashKey);
        Kinesis.Put(Stream, "k", """{"Id":"behind"}""", ranges[0].StartingHashKey);
        Journal.Handler = static (delivery, _, _) => delivery.Text == "fatal" ? throw new NotSupportedException("no") : default;
        await using WorkerHost host = await StartRuledAsync<BuryingProcessor>();
        string description = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("NotSupportedException", description, StringComparison.Ordinal);
        Kinesis.Put(Stream, "k", """{"Id":"other"}""", ranges[1].StartingHashKey);
        await Journal.WaitForAsync(["other"], host.Log);
        await host.StopAsync();
        Assert.Equal(["fatal", "other"], Journal.Begun.Select(static delivery => delivery.Text));
    }

    [Fact]
    public async Task A_call_that_takes_too_long_is_cancelled_and_tried_again()
    {
        Kinesis.CreateStream(Stream);
        PutOrders("a", "b");
        Journal.Handler = static async (delivery, context, token) =>
        {
            if (context.Attempt == 1)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
            }
        };
        await using WorkerHost host = await StartRuledAsync<HurriedProcessor>();
        await Journal.WaitForAsync(["a", "b"], host.Log);
        Assert.All(host.Log.Of(2100), static entry => Assert.IsType<TimeoutException>(entry.Error));
        Assert.Equal(2, host.Log.Of(2100).Count());
    }

    [Fact]
    public async Task Unreadable_and_failed_records_of_batches_go_through_the_policy_one_by_one()
    {
        Kinesis.CreateStream(Stream);
        PutOrders("a", "b");
        Kinesis.Put(Stream, "k", "[]");
        SequenceNumber last = PutOrders("c", "named", "again", "d");
        Kinesis.Put(Stream, "k", "null");
        Journal.BatchHandler = static (batch, context, _) =>
        {
            for (int i = 0; i < batch.Count; i++)
            {
                if (batch[i].Text == "named")
                {
                    context.Fail(i, new InvalidDataException("no"));
                }
                else if (batch[i].Text == "again" && context.Attempt < 3)
                {
                    context.Fail(i, new TimeoutException("slow"));
                }
            }

            return default;
        };
        await using WorkerHost host = await StartRuledAsync<BuryingBatchProcessor>();
        await Journal.WaitForAsync(["a", "b", "c", "again", "d"], host.Log);
        await Eventually.TrueAsync(() => Rows.Single().Checkpoint > CheckpointPosition.At(last), () => host.Log.ToString());
        Assert.Equal(["[]", """{"Id":"named"}""", "null"], _letters.Written.Select(static letter => letter.Data));
        // the call that named records ran the others too
        Assert.Equal(3, Journal.Begun.Count(static delivery => delivery.Text == "again"));
        Assert.Equal(1, Journal.Begun.Count(static delivery => delivery.Text == "named"));
        Assert.Equal(1, Journal.Begun.Count(static delivery => delivery.Text == "d"));
    }

    [Fact]
    public async Task A_batch_that_throws_is_left_out_record_by_record_after_its_attempts()
    {
        Kinesis.CreateStream(Stream);
        PutOrders("a", "b", "c");
        Journal.BatchHandler = static (batch, context, _) =>
            batch.Count > 1 || batch[0].Text != "d" ? throw new TimeoutException("slow") : default;
        await using WorkerHost host = await StartRuledAsync<BuryingBatchProcessor>();
        await Eventually.TrueAsync(() => _letters.Written.Count == 3, () => host.Log.ToString());
        PutOrders("d");
        await Journal.WaitForAsync(["d"], host.Log);
        Assert.Equal(
            ["a", "b", "c"],
            _letters.Written.Select(static letter => JsonDocument.Parse(letter.Data).RootElement.GetProperty("Id").GetString()));
        Assert.All(_letters.Written, static letter => Assert.Equal(5, letter.Attempts));
    }

    [Fact]
    public async Task A_batch_whose_rule_stops_is_not_left_out()
    {
        Kinesis.CreateStream(Stream);
        SequenceNumber before = PutOrders("a", "b");
        Journal.BatchHandler = static (batch, _, _) =>
            batch.Any(static delivery => delivery.Text == "c") ? throw new NotSupportedException("no") : default;
        await using WorkerHost host = await StartRuledAsync<BuryingBatchProcessor>();
        await Journal.WaitForAsync(["a", "b"], host.Log);
        PutOrders("c", "d");
        await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        await host.StopAsync();
        Assert.Equal(CheckpointPosition.At(before), Rows.Single().Checkpoint);
        Assert.Empty(_letters.Written);
    }

    [Fact]
    public async Task Dead_letters_without_a_place_fail_at_start()
    {
        Kinesis.CreateStream(Stream);
        InvalidOperationException exception = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync<BuryingProcessor>());
        Assert.Contains("BuryingProcessor", exception.Message, StringComparison.Ordinal);
        Assert.Contains("UseDeadLettersToStream", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Letters_in_a_stream_are_the_records_themselves()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.CreateStream("buried");
        Kinesis.Put(Stream, "key ä", "[]");
        PutOrders("a");
        await using WorkerHost host = await StartRuledAsync<BuryingProcessor>(static consumer => consumer.UseDeadLettersToStream("buried"));
        await Journal.WaitForAsync(["a"], host.Log);
        await host.StopAsync();
        using var client = new KinesisClient(new KinesisClientOptions
        {
            ServiceUrl = Kinesis.ServiceUrl,
            Region = Kinesis.Region,
            Credentials = new Amazon.Runtime.BasicAWSCredentials("test", "test")
        });
        StreamIdentifier buried = StreamIdentifier.Parse("buried");
        string iterator = await client.GetShardIteratorAsync(
            buried, "shardId-000000000000", StartingPosition.TrimHorizon, TestContext.Current.CancellationToken);
        using GetRecordsResponse answer = await client.GetRecordsAsync(
            buried, iterator, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(1, answer.Count);
        var record = new KinesisRecord(answer, 0);
        Assert.Equal(("[]", "key ä"), (Encoding.UTF8.GetString(record.DataSpan), record.PartitionKey));
        Assert.EndsWith("after attempt 1; its dead letter is written.", Assert.Single(host.Log.Of(2108)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Letters_in_a_file_are_lines_of_json()
    {
        string folder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        string path = Path.Combine(folder, "letters.jsonl");
        try
        {
            Kinesis.CreateStream(Stream);
            SequenceNumber first = Kinesis.Put(Stream, "k", "[]").SequenceNumber;
            Kinesis.Put(Stream, "k", "null");
            PutOrders("a");
            // torn by a crash
            Directory.CreateDirectory(folder);
            await File.WriteAllTextAsync(path, """{"application":"te""", TestContext.Current.CancellationToken);
            await using (WorkerHost host = await StartRuledAsync<BuryingProcessor>(consumer => consumer.UseDeadLettersToFile(path)))
            {
                await Journal.WaitForAsync(["a"], host.Log);
            }

            string[] lines = await File.ReadAllLinesAsync(path, TestContext.Current.CancellationToken);
            Assert.Equal(3, lines.Length);
            JsonElement letter = JsonDocument.Parse(lines[1]).RootElement;
            Assert.Equal("[]", Encoding.UTF8.GetString(letter.GetProperty("data").GetBytesFromBase64()));
            Assert.Equal(first.ToString(), letter.GetProperty("sequenceNumber").GetString());
            Assert.Equal("shardId-000000000000", letter.GetProperty("shardId").GetString());
            Assert.Equal("System.Text.Json.JsonException", letter.GetProperty("exception").GetString());
            Assert.Equal(1, letter.GetProperty("attempts").GetInt32());
            Assert.Equal(
                "null", Encoding.UTF8.GetString(JsonDocument.Parse(lines[2]).RootElement.GetProperty("data").GetBytesFromBase64()));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Letters_in_the_log_name_the_position()
    {
        Kinesis.CreateStream(Stream);
        SequenceNumber poison = Kinesis.Put(Stream, "k", "[\"secret\"]").SequenceNumber;
        PutOrders("a");
        await using WorkerHost host = await StartRuledAsync<BuryingProcessor>(static consumer => consumer.UseDeadLettersToLog());
        await Journal.WaitForAsync(["a"], host.Log);
        LogEntry letter = Assert.Single(host.Log.Of(2110));
        Assert.Contains(poison.ToString(), letter.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", host.Log.ToString(), StringComparison.Ordinal);
    }

    private SequenceNumber PutOrders(params string[] ids)
    {
        SequenceNumber last = default;
        foreach (string id in ids)
        {
            last = Kinesis.Put(Stream, "k", string.Create(CultureInfo.InvariantCulture, $$"""{"Id":"{{id}}"}""")).SequenceNumber;
        }

        return last;
    }

    private async Task<WorkerHost> StartRuledAsync<TProcessor>(Action<FastConsumer.Hosting.FastConsumerBuilder>? sink = null)
        where TProcessor : class, Processors.IKinesisProcessor<TProcessor>
    {
        WorkerHost host = WorkerHost.Build(Kinesis, Journal, consumer =>
        {
            consumer.AddProcessor<TProcessor>().UseInMemoryLeases(Leases);
            if (sink is null)
            {
                consumer.Services.AddSingleton(_letters);
                consumer.UseDeadLetters<LetterSink>();
            }
            else
            {
                sink(consumer);
            }
        });
        await host.StartAsync();
        return host;
    }
}

/// <summary>One dead letter, as a test looks at it.</summary>
internal sealed record Letter(
    string Data, string Key, int Attempts, string Exception, string ShardId, string Processor, CheckpointPosition Position);

/// <summary>The dead letters of a test, over all of its hosts.</summary>
internal sealed class Letters
{
    private readonly Lock _lock = new();
    private readonly List<Letter> _written = [];

    public bool Failing { get; set; }

    public IReadOnlyList<Letter> Written
    {
        get
        {
            lock (_lock)
            {
                return [.. _written];
            }
        }
    }

    public void Add(Letter letter)
    {
        lock (_lock)
        {
            _written.Add(letter);
        }
    }
}

internal sealed class LetterSink(Letters letters) : IDeadLetterSink
{
    public async ValueTask WriteAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        await Task.Yield();
        if (letters.Failing)
        {
            throw new IOException("the sink is down");
        }

        letters.Add(new Letter(
            Encoding.UTF8.GetString(letter.Record.DataSpan), letter.Record.PartitionKey, letter.Attempts, letter.Exception.GetType().Name,
            letter.Shard.ShardId, letter.Shard.ProcessorName, letter.Position));
    }
}
