using System.Net.Sockets;
using System.Text;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Harness;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Testing.Tests.Harness;

public sealed class ProcessorHarnessTests
{
    private readonly Book _book = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Records_are_done_and_checkpointed()
    {
        await using ProcessorHarness harness = await StartAsync();

        harness.Put("a", """{"id":1}""");
        harness.Put("a", """{"id":2}"""u8);
        PutRecordResponse last = harness.Put("a", new Booking(3), BookingJson.Default.Booking);
        await harness.WaitUntilDoneAsync();

        Assert.Equal(["1", "2", "3"], _book.Entries);
        Assert.Equal(CheckpointPosition.At(last.SequenceNumber), Assert.Single(harness.Checkpoints).Value);
        Assert.Equal("bookings", harness.StreamName);
    }

    [Fact]
    public async Task Nothing_put_is_done()
    {
        await using ProcessorHarness harness = await StartAsync();

        await harness.WaitUntilDoneAsync();

        Assert.Empty(_book.Entries);
    }

    [Fact]
    public async Task A_record_that_fails_for_a_while_is_waited_for()
    {
        int failures = 3;
        _book.Failure = _ => failures-- > 0 ? new TimeoutException("Not yet.") : null;
        await using ProcessorHarness harness = await StartAsync();

        harness.Put("a", """{"id":1}""");
        await harness.WaitUntilDoneAsync();

        Assert.Equal(["1"], _book.Entries);
    }

    [Fact]
    public async Task A_failing_handler_is_named_with_its_exception_and_the_shards_standing()
    {
        var closed = new InvalidOperationException("The book is closed.");
        _book.Failure = booking => booking.Id == 2 ? closed : null;
        await using ProcessorHarness harness = await StartAsync(new ProcessorHarnessOptions { WaitTimeout = TimeSpan.FromSeconds(3) });
        PutRecordResponse first = harness.Put("a", """{"id":1}""");
        PutRecordResponse second = harness.Put("a", """{"id":2}""");
        harness.Put("a", """{"id":3}""");
        await harness.WaitUntilAsync(
            () => harness.Checkpoints.Values.Any(checkpoint => checkpoint == CheckpointPosition.At(first.SequenceNumber)));

        RecordsNotDoneException error = await Assert.ThrowsAsync<RecordsNotDoneException>(() => harness.WaitUntilDoneAsync());

        Assert.Same(closed, error.InnerException);
        string[] lines = error.Message.Split('\n');
        Assert.Equal(4, lines.Length);
        Assert.Equal("BookingProcessor was, after 00:00:03, not done with what was put:", lines[0]);
        Assert.Equal($"  shardId-000000000000: 1 of 3 records done, checkpoint {first.SequenceNumber}", lines[1]);
        Assert.Matches(
            $@"^    BookingProcessor fails on record {second.SequenceNumber} of shard shardId-000000000000 of \S+ \(attempt \d+\): "
                + @"InvalidOperationException\. The shard waits and tries again\.$",
            lines[2]);
        Assert.Equal("The last failure: InvalidOperationException: The book is closed.", lines[3]);
    }

    [Fact]
    public async Task A_stopped_shard_fails_the_wait_before_its_time()
    {
        _book.Failure = booking => booking.Id == 2 ? new NotSupportedException("No such booking.") : null;
        await using ProcessorHarness harness = await StartAsync();

        harness.Put("a", """{"id":1}""");
        harness.Put("a", """{"id":2}""");
        RecordsNotDoneException error = await Assert.ThrowsAsync<RecordsNotDoneException>(() => harness.WaitUntilDoneAsync());

        Assert.IsType<NotSupportedException>(error.InnerException);
        Assert.StartsWith(
            "BookingProcessor has stopped before it was done with what was put:\n  shardId-000000000000: 1 of 2 records done,",
            error.Message,
            StringComparison.Ordinal);
        Assert.Contains("Its error policy says so.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_shard_of_several_lanes_that_stops_fails_the_wait_before_its_time()
    {
        _book.Failure = static booking => booking.Id == 50 ? new NotSupportedException("No such booking.") : null;
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<ParallelBookingProcessor>(
            services => services.AddSingleton(_book),
            new ProcessorHarnessOptions { WaitTimeout = TimeSpan.FromMinutes(5), CancellationToken = Token });

        for (int id = 1; id <= 100; id++)
        {
            harness.Put($"key-{id}", new Booking(id), BookingJson.Default.Booking);
        }

        RecordsNotDoneException error = await Assert.ThrowsAsync<RecordsNotDoneException>(() => harness.WaitUntilDoneAsync());

        Assert.Contains("No such booking.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lanes_and_a_stream_by_its_ARN_are_run_like_others()
    {
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<ParallelBookingProcessor>(
            services => services.AddSingleton(_book),
            new ProcessorHarnessOptions { ShardCount = 3, CancellationToken = Token });

        for (int id = 1; id <= 100; id++)
        {
            harness.Put($"key-{id}", new Booking(id), BookingJson.Default.Booking);
        }

        await harness.WaitUntilDoneAsync();

        Assert.Equal(
            Enumerable.Range(1, 100),
            _book.Entries.Select(static entry => int.Parse(entry, System.Globalization.CultureInfo.InvariantCulture)).Order());
        Assert.Equal(3, harness.Checkpoints.Count);
    }

    [Fact]
    public async Task A_service_that_was_forgotten_fails_the_wait_before_its_time()
    {
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<BookingProcessor>(WithoutABook);

        harness.Put("a", """{"id":1}""");
        RecordsNotDoneException error = await Assert.ThrowsAsync<RecordsNotDoneException>(() => harness.WaitUntilDoneAsync());

        Assert.Contains("BookingProcessor could not be created for shard shardId-000000000000", error.Message, StringComparison.Ordinal);
        Assert.Contains("Unable to resolve service", error.Message, StringComparison.Ordinal);

        static void WithoutABook(IServiceCollection services) => services.AddFastConsumer().UseDeadLettersToLog();
    }

    [Fact]
    public async Task A_handler_that_does_not_return_is_guessed()
    {
        _book.HangsAt = 1;
        await using ProcessorHarness harness = await StartAsync(
            new ProcessorHarnessOptions { WaitTimeout = TimeSpan.FromMilliseconds(500) });

        harness.Put("a", """{"id":1}""");
        RecordsNotDoneException error = await Assert.ThrowsAsync<RecordsNotDoneException>(() => harness.WaitUntilDoneAsync());

        Assert.Null(error.InnerException);
        Assert.EndsWith(
            "Nothing has failed: a handler may not have returned, or waits for something that the test does not give it.",
            error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_condition_is_quoted_when_it_does_not_come_true()
    {
        await using ProcessorHarness harness = await StartAsync(
            new ProcessorHarnessOptions { WaitTimeout = TimeSpan.FromMilliseconds(50) });

        RecordsNotDoneException error = await Assert.ThrowsAsync<RecordsNotDoneException>(
            () => harness.WaitUntilAsync(() => _book.Entries.Count == 7));

        Assert.StartsWith(
            "'() => _book.Entries.Count == 7' did not come true within 00:00:00.0500000:", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_runner_s_token_ends_a_wait()
    {
        using var runner = new CancellationTokenSource();
        await using ProcessorHarness harness = await StartAsync(new ProcessorHarnessOptions { CancellationToken = runner.Token });

        Task waiting = harness.WaitUntilAsync(static () => false);
        await runner.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task After_a_crash_what_was_not_checkpointed_runs_again()
    {
        await using ProcessorHarness harness = await StartAsync(services: services =>
            services.AddFastConsumer(static options => options.CheckpointInterval = TimeSpan.FromHours(1)));
        harness.Put("a", """{"id":1}""");
        harness.Put("a", """{"id":2}""");
        await harness.WaitUntilAsync(() => _book.Entries.Count == 2);

        await harness.CrashAsync();

        Assert.Equal(CheckpointPosition.TrimHorizon, Assert.Single(harness.Checkpoints).Value);
        Assert.Equal(["1", "2", "lost", "disposed"], _book.Entries);
        Assert.Throws<InvalidOperationException>(() => harness.Services);
        await Assert.ThrowsAsync<InvalidOperationException>(() => harness.WaitUntilDoneAsync());

        harness.Put("a", """{"id":3}""");
        await harness.RestartAsync();
        await harness.WaitUntilAsync(() => _book.Entries.Count == 7);

        Assert.Equal(["1", "2", "lost", "disposed", "1", "2", "3"], _book.Entries);
    }

    [Fact]
    public async Task A_graceful_restart_repeats_nothing()
    {
        await using ProcessorHarness harness = await StartAsync();
        harness.Put("a", """{"id":1}""");
        await harness.WaitUntilDoneAsync();

        await harness.RestartAsync();
        harness.Put("a", """{"id":2}""");
        await harness.WaitUntilDoneAsync();

        Assert.Equal(["1", "stopping", "disposed", "2"], _book.Entries);
    }

    [Fact]
    public async Task A_split_and_a_merge_are_waited_for_to_their_ends()
    {
        await using ProcessorHarness harness = await StartAsync();
        harness.Put("a", """{"id":1}""", explicitHashKey: 0);

        harness.SplitShard("shardId-000000000000");
        harness.Put("a", """{"id":2}""", explicitHashKey: 0);
        harness.Put("a", """{"id":3}""", explicitHashKey: UInt128.MaxValue);
        await harness.WaitUntilDoneAsync();
        harness.MergeShards("shardId-000000000001", "shardId-000000000002");
        harness.Put("a", """{"id":4}""");
        await harness.WaitUntilDoneAsync();

        Assert.Equal(
            ["1", "2", "3", "4", "shardId-000000000000 ended", "shardId-000000000001 ended", "shardId-000000000002 ended"],
            _book.Entries.Where(static entry => entry != "disposed").Order(StringComparer.Ordinal));
        Assert.Equal(3, harness.Checkpoints.Values.Count(static checkpoint => checkpoint == CheckpointPosition.ShardEnd));
    }

    [Fact]
    public async Task Of_an_aggregate_the_last_record_is_waited_for()
    {
        await using ProcessorHarness harness = await StartAsync();

        PutRecordResponse put = harness.Put("a", Aggregate("""{"id":1}""", """{"id":2}""", """{"id":3}"""));
        await harness.WaitUntilDoneAsync();

        Assert.Equal(["1", "2", "3"], _book.Entries);
        Assert.Equal(CheckpointPosition.At(put.SequenceNumber, 2), Assert.Single(harness.Checkpoints).Value);
    }

    [Fact]
    public async Task Services_and_the_dead_letter_sink_are_the_tests()
    {
        var letters = new Letters();
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<BookingProcessor>(
            services => services.AddSingleton(_book).AddFastConsumer().UseDeadLetters(_ => letters));

        harness.Put("a", "no JSON");
        await harness.WaitUntilDoneAsync();

        Assert.Equal(["no JSON"], letters.Payloads);
        Assert.Same(_book, harness.Services.GetRequiredService<Book>());
    }

    [Fact]
    public async Task A_consumer_that_refuses_to_start_leaves_nothing_behind()
    {
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            ProcessorHarness.StartAsync<BookingProcessor>(services => services.AddSingleton(_book)));

        Assert.StartsWith("BookingProcessor has an [OnError] with ErrorAction.DeadLetter", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dispose_stops_gracefully_and_closes_the_server()
    {
        ProcessorHarness harness = await StartAsync();
        harness.Put("a", """{"id":1}""");
        await harness.WaitUntilAsync(() => _book.Entries.Count == 1);
        var url = new Uri(harness.Kinesis.ServiceUrl);

        await harness.DisposeAsync();
        await harness.DisposeAsync();

        Assert.Equal(["1", "stopping", "disposed"], _book.Entries);
        Assert.Equal(CheckpointKind.Record, Assert.Single(harness.Checkpoints).Value.Kind);
        using var client = new TcpClient();
        await Assert.ThrowsAsync<SocketException>(async () => await client.ConnectAsync(url.Host, url.Port, Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => harness.RestartAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => harness.WaitUntilDoneAsync());
    }

    [Fact]
    public async Task Signed_requests_and_fan_out_are_options_like_others()
    {
        var options = new ProcessorHarnessOptions
        {
            Kinesis = new EmbeddedKinesisOptions { Credentials = new EmbeddedKinesisCredentials("AKIDEXAMPLE", "secret") }
        };
        await using ProcessorHarness harness = await StartAsync(
            options, services => services.AddFastConsumer(static consumer => consumer.ReadMode = Hosting.ReadMode.FanOut));

        harness.Put("a", """{"id":1}""");
        await harness.WaitUntilDoneAsync();

        Assert.Equal(["1"], _book.Entries);
        Assert.True(harness.Kinesis.RequestCount("SubscribeToShard") > 0);
        Assert.Equal(0, harness.Kinesis.RequestCount("GetRecords"));
    }

    [Theory]
    [InlineData(0, 30)]
    [InlineData(1, 0)]
    public async Task Options_that_cannot_work_are_refused(int shards, int seconds) =>
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => StartAsync(new ProcessorHarnessOptions { ShardCount = shards, WaitTimeout = TimeSpan.FromSeconds(seconds) }));

    private Task<ProcessorHarness> StartAsync(ProcessorHarnessOptions? options = null, Action<IServiceCollection>? services = null) =>
        ProcessorHarness.StartAsync<BookingProcessor>(
            own =>
            {
                own.AddSingleton(_book).AddFastConsumer().UseDeadLettersToLog();
                services?.Invoke(own);
            },
            options ?? new ProcessorHarnessOptions { CancellationToken = Token });

    /// <summary>The KPL's envelope: magic, a protobuf message of keys and records, its MD5.</summary>
    private static byte[] Aggregate(params string[] payloads)
    {
        List<byte> message = [0x0A, 1, (byte)'a'];
        foreach (byte[] data in payloads.Select(Encoding.UTF8.GetBytes))
        {
            message.AddRange([0x1A, (byte)(data.Length + 4), 0x08, 0, 0x1A, (byte)data.Length, .. data]);
        }

        return [0xF3, 0x89, 0x9A, 0xC2, .. message, .. System.Security.Cryptography.MD5.HashData([.. message])];
    }

    private sealed class Letters : IDeadLetterSink
    {
        public List<string> Payloads { get; } = [];

        public ValueTask WriteAsync(DeadLetter letter, CancellationToken cancellationToken)
        {
            Payloads.Add(Encoding.UTF8.GetString(letter.Record.DataSpan));
            return default;
        }
    }
}
