using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Testing;

namespace FastConsumer.LoadTest.ExactlyOnce;

/// <summary>
/// Worker processes that count the records of each key and put each count out, while they are killed, or paused beyond their leases, at
/// random moments; then asks the sink for each record. The stream is split in the midst.
/// </summary>
internal sealed class ExactlyOnceCommand : IAsyncDisposable
{
    private const int Workers = 2;
    private const int Shards = 2;
    private const int Keys = 60;
    private const int RecordsPerStep = 6;

    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private readonly ExactlyOnceServers _servers;
    private readonly EmbeddedKinesis _kinesis;
    private readonly CountedSink _sink;
    private readonly Random _random;
    private readonly List<OwnProcess> _workers = [];
    private readonly Dictionary<string, long> _expected = [];
    private int _kills;
    private int _pauses;
    private int _splits;

    private ExactlyOnceCommand(ExactlyOnceServers servers, EmbeddedKinesis kinesis, CountedSink sink, int seed)
    {
        _servers = servers;
        _kinesis = kinesis;
        _sink = sink;
        _random = new Random(seed);
    }

    public static Command Create()
    {
        var sink = new Option<string>("--sink")
        {
            Description = "postgres or dynamodb: values and the shard's position in one transaction.",
            DefaultValueFactory = static _ => "postgres",
        };
        sink.AcceptOnlyFromAmong([.. CountedSink.All.Keys]);
        var kills = new Option<int>("--kills")
        {
            Description = "How often a worker is killed (SIGKILL), or paused (SIGSTOP) until its leases have expired, as chance has it.",
            DefaultValueFactory = static _ => 5,
        };
        var seed = new Option<int>("--seed") { Description = "The seed of chance.", DefaultValueFactory = static _ => 1 };
        var json = new Option<bool>("--json") { Description = "One line of JSON." };
        var command = new Command("exactly-once", "Kills workers with state and an output, and asks the sink.") { sink, kills, seed, json };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            ExactlyOnceFigures figures = await RunAsync(
                arguments.GetValue(sink)!, arguments.GetValue(kills), arguments.GetValue(seed), cancellationToken);
            Console.WriteLine(arguments.GetValue(json)
                ? JsonSerializer.Serialize(figures, ExactlyOnceJson.Default.ExactlyOnceFigures)
                : $"{figures.Produced} records, {figures.Kills} kills, {figures.Pauses} pauses: {figures.Visible} values in the sink, "
                    + $"{figures.Duplicates} duplicates, {figures.Missing} missing, {figures.Wrong} wrong");
            return figures is { Duplicates: 0, Missing: 0, Wrong: 0 } ? 0 : 1;
        });
        return command;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (OwnProcess worker in _workers)
        {
            await worker.DisposeAsync();
        }
    }

    private static async Task<ExactlyOnceFigures> RunAsync(string sink, int kills, int seed, CancellationToken cancellationToken)
    {
        await using PostgreSqlServer postgres = await PostgreSqlServer.StartAsync([], cancellationToken);
        await using DynoxideServer dynamo = await DynoxideServer.StartAsync(cancellationToken);
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: cancellationToken);
        kinesis.CreateStream(CountingProcessor.StreamName, Shards);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("fastconsumer-exactly-once-");
        try
        {
            var servers = new ExactlyOnceServers(
                sink, kinesis.ServiceUrl, dynamo.ServiceUrl, postgres.ConnectionString, folder.FullName);
            await using CountedSink counted = CountedSink.All[sink](servers);
            await counted.CreateAsync(cancellationToken);
            await using var run = new ExactlyOnceCommand(servers, kinesis, counted, seed);
            return await run.RunAsync(sink, kills, cancellationToken);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task<ExactlyOnceFigures> RunAsync(string sink, int kills, CancellationToken cancellationToken)
    {
        using var producing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task producer = ProduceAsync(producing.Token);
        for (int i = 0; i < Workers; i++)
        {
            _workers.Add(OwnProcess.Start(ExactlyOnceWorker.Arguments(_servers)));
        }

        for (int round = 0; round < kills; round++)
        {
            // somebody has to be at work, or the blow meets nobody
            long before = await _sink.ProgressAsync(cancellationToken);
            await UntilAsync(async () => await _sink.ProgressAsync(cancellationToken) > before, cancellationToken);
            await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(0, 1500)), TimeProvider.System, cancellationToken);
            await StrikeAsync(round, cancellationToken);
            if (round == kills / 2)
            {
                _kinesis.SplitShard(CountingProcessor.StreamName, _kinesis.ListShards(CountingProcessor.StreamName)[0].ShardId);
                _splits++;
            }
        }

        await producing.CancelAsync();
        try
        {
            await producer;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // as it was asked to; what else has ended it is told
        }

        await UntilAsync(async () => await _sink.RecordsAsync(cancellationToken) >= _expected.Count, cancellationToken);
        // whatever a paused worker still does, or a shard that begins again, would be there now
        await Task.Delay(2 * ExactlyOnceWorker.Lease, TimeProvider.System, cancellationToken);
        return await FiguresAsync(sink, cancellationToken);
    }

    private async Task StrikeAsync(int round, CancellationToken cancellationToken)
    {
        OwnProcess victim = _workers[_random.Next(_workers.Count)];
        if (_random.Next(3) < 2)
        {
            _kills++;
            Signals.Send(victim.Id, Signal.Kill);
            _workers.Remove(victim);
            await victim.DisposeAsync();
            _workers.Add(OwnProcess.Start(ExactlyOnceWorker.Arguments(_servers)));
        }
        else
        {
            _pauses++;
            Signals.Send(victim.Id, Signal.Stop);
            await Task.Delay(2.5 * ExactlyOnceWorker.Lease, TimeProvider.System, cancellationToken);
            // its leases have expired, and another has its shards: what it does now it does as a zombie
            Signals.Send(victim.Id, Signal.Continue);
        }

        long visible = await _sink.RecordsAsync(cancellationToken);
        Console.Error.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{round + 1}: {_kills} kills, {_pauses} pauses, values of {visible} records in the sink"));
    }

    private async Task ProduceAsync(CancellationToken cancellationToken)
    {
        long[] counts = new long[Keys];
        for (int number = 0; ; await Task.Delay(s_step, TimeProvider.System, cancellationToken))
        {
            for (int i = 0; i < RecordsPerStep; i++, number++)
            {
                int key = number % Keys;
                string id = string.Create(CultureInfo.InvariantCulture, $"record-{number}");
                _kinesis.Put(
                    CountingProcessor.StreamName,
                    string.Create(CultureInfo.InvariantCulture, $"key-{key}"),
                    Encoding.UTF8.GetBytes(id));
                _expected[id] = ++counts[key];
            }
        }
    }

    private async Task<ExactlyOnceFigures> FiguresAsync(string sink, CancellationToken cancellationToken)
    {
        Dictionary<string, long> visible = [];
        long wrong = 0;
        await foreach ((CountedRecord value, long times) in _sink.ReadAsync(cancellationToken))
        {
            visible[value.Id] = times;
            wrong += _expected.GetValueOrDefault(value.Id) == value.Count ? 0 : 1;
        }

        return new ExactlyOnceFigures
        {
            Sink = sink,
            Kills = _kills,
            Pauses = _pauses,
            Splits = _splits,
            Produced = _expected.Count,
            Visible = visible.Values.Sum(),
            Duplicates = visible.Values.Sum(static times => times - 1),
            Missing = _expected.Keys.Count(id => !visible.ContainsKey(id)),
            Wrong = wrong,
        };
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, CancellationToken cancellationToken)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > s_patience)
            {
                // the figures say what is missing
                return;
            }

            await Task.Delay(s_step, TimeProvider.System, cancellationToken);
        }
    }
}
