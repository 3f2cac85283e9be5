using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FastConsumer.LoadTest.Checkpoints;
using FastConsumer.LoadTest.Decode;
using FastConsumer.LoadTest.ExactlyOnce;
using FastConsumer.LoadTest.Failover;
using FastConsumer.LoadTest.Lanes;
using FastConsumer.LoadTest.Pipeline;
using FastConsumer.LoadTest.Quota;
using FastConsumer.LoadTest.Read;
using FastConsumer.LoadTest.Savepoints;
using FastConsumer.LoadTest.Shards;
using FastConsumer.LoadTest.Sinks;
using FastConsumer.LoadTest.StateSize;

var root = new RootCommand("Load tests of FastConsumer.")
{
    Read(), TelemetryCostCommand.Create(), StateCostCommand.Create(), Decode(), PipelineCommand.Create(), RouteCommand.Create(),
    LanesCommand.Create(), QuotaCommand.Create(), Shards(), FailoverCommand.Create(), CheckpointsCommand.Create(),
    SinkCostCommand.Create(), StateSizeCommand.Create(), SavepointCommand.Create(), ExactlyOnceCommand.Create(),
    Serve(), ServeShards(), FailoverWorker.CreateCommand(), ExactlyOnceWorker.CreateCommand(),
};
// a worker's own host handles signals, and stops in its own time
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });

static Command Read()
{
    var client = new Option<ReadClient>("--client")
    {
        Description = "fast: FastConsumer's worker; sdk: a loop on the AWS SDK; drain: HttpClient alone."
    };
    var protocol = new Option<string>("--protocol") { Description = "cbor or json.", DefaultValueFactory = static _ => "cbor" };
    protocol.AcceptOnlyFromAmong("cbor", "json");
    var records = new Option<long>("--records")
    {
        Description = "How many records are read, after a warm-up.",
        DefaultValueFactory = static _ => 1_000_000
    };
    var size = new Option<int>("--size") { Description = "Bytes of data in a record.", DefaultValueFactory = static _ => 1024 };
    var shards = new Option<int>("--shards") { Description = "Shards that are read at once.", DefaultValueFactory = static _ => 1 };
    var perAnswer = new Option<int?>("--per-answer")
    {
        Description = "Records of an answer; as many as the service would send where not said."
    };
    var compare = new Option<bool>("--compare") { Description = "Runs all clients in turn and compares them." };
    var runs = new Option<int>("--runs") { Description = "Runs of each client in a comparison.", DefaultValueFactory = static _ => 5 };
    var baseline = new Option<string?>("--baseline")
    {
        Description = "A folder with the load test of another commit (dotnet build -c Release -o DIR): this one and that one read in turn.",
    };
    var pairs = new Option<int>("--pairs") { Description = "Pairs of runs against --baseline.", DefaultValueFactory = static _ => 20 };
    var telemetry = new Option<ReadTelemetry>("--telemetry")
    {
        Description = "Of the client 'fast': with nobody who listens, without any call of it, or with a meter listener.",
    };
    var state = new Option<ReadState?>("--state")
    {
        Description = "Of the client 'fast', with a checkpoint each second: no [State], one that is never used, or one that each record "
            + "changes.",
    };
    var url = new Option<string?>("--url") { Description = "A replay server that runs already.", Hidden = true };
    var json = new Option<bool>("--json") { Description = "One line of JSON." };
    var command = new Command("read", "Reads precomputed answers from a replay server in a process of its own.")
    {
        client, protocol, records, size, shards, perAnswer, compare, runs, baseline, pairs, telemetry, state, url, json,
    };
    command.SetAction(async (arguments, cancellationToken) =>
    {
        int bytes = arguments.GetValue(size);
        var settings = new ReadSettings(
            arguments.GetValue(client),
            arguments.GetValue(protocol) == "cbor" && arguments.GetValue(client) != ReadClient.Sdk,
            arguments.GetValue(records),
            bytes,
            arguments.GetValue(shards),
            arguments.GetValue(perAnswer) ?? ReadSettings.Most(bytes))
        {
            Telemetry = arguments.GetValue(telemetry),
            State = arguments.GetValue(state),
        };
        if (arguments.GetValue(baseline) is { } directory)
        {
            BaselineFigures figures = await BaselineCommand.RunAsync(settings, directory, arguments.GetValue(pairs), cancellationToken);
            Console.WriteLine(arguments.GetValue(json)
                ? JsonSerializer.Serialize(figures, FiguresJson.Default.BaselineFigures)
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"CPU per record, {figures.Pairs} pairs: this {figures.Current:F4} us, baseline {figures.Baseline:F4} us; "
                    + $"ratio {figures.Ratio:F3} ({figures.RatioLow:F3} to {figures.RatioHigh:F3})"));
        }
        else if (arguments.GetValue(compare))
        {
            Comparison comparison = await ReadCommand.CompareAsync(
                settings with { IsCbor = arguments.GetValue(protocol) == "cbor" }, arguments.GetValue(runs), cancellationToken);
            foreach (ReadFigures median in comparison.Medians)
            {
                Print(median, asJson: false);
            }

            Console.WriteLine(JsonSerializer.Serialize(comparison, FiguresJson.Default.Comparison));
        }
        else
        {
            Print(await ReadCommand.RunAsync(settings, arguments.GetValue(url), cancellationToken), arguments.GetValue(json));
        }

        return 0;
    });
    return command;
}

static Command Decode()
{
    var records = new Option<int>("--records") { Description = "Records of an answer.", DefaultValueFactory = static _ => 1000 };
    var size = new Option<int>("--size") { Description = "Bytes of data in a record.", DefaultValueFactory = static _ => 1024 };
    var rounds = new Option<int>("--rounds") { Description = "How often each decoder has its turn.", DefaultValueFactory = static _ => 15 };
    var json = new Option<bool>("--json") { Description = "One line of JSON." };
    var wholeCall = new Option<bool>("--whole-call")
    {
        Description = "Whole calls, from the request to the records in hand, over a handler that answers from memory."
    };
    var command = new Command("decode", "Decodes one answer with each decoder in turn, by CPU time: for machines that are busy.")
    {
        records,
        size,
        rounds,
        wholeCall,
        json
    };
    command.SetAction(async (arguments, _) =>
    {
        bool asJson = arguments.GetValue(json);
        if (arguments.GetValue(wholeCall))
        {
            WholeCallFigures calls = await WholeCallCommand.RunAsync(
                arguments.GetValue(records), arguments.GetValue(size), arguments.GetValue(rounds));
            Console.WriteLine(asJson
                ? JsonSerializer.Serialize(calls, FiguresJson.Default.WholeCallFigures)
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{calls.Size} B records, whole calls of {calls.Records}, CPU ns per record: SDK {calls.Sdk:F1}, JSON "
                        + $"{calls.FastJson:F1}, CBOR {calls.FastCbor:F1}; SDK/JSON {calls.SdkToJson:F1}, SDK/CBOR {calls.SdkToCbor:F1}; "
                        + $"{calls.SdkAllocated:F1} B, {calls.FastJsonAllocated:F2} B and {calls.FastCborAllocated:F2} B per record"));
            return 0;
        }

        DecodeFigures figures = DecodeCommand.Run(arguments.GetValue(records), arguments.GetValue(size), arguments.GetValue(rounds));
        Console.WriteLine(asJson
            ? JsonSerializer.Serialize(figures, FiguresJson.Default.DecodeFigures)
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{figures.Size} B records, CPU ns per record: SDK {figures.Sdk:F1} (first v4 {figures.SdkFirstV4:F1}), "
                    + $"JSON {figures.FastJson:F1} (of it copying the answer {figures.Copy:F1}, base64 alone {figures.Base64Alone:F1}), "
                    + $"CBOR {figures.FastCbor:F1}; SDK/JSON {figures.SdkToJson:F1}, SDK/CBOR {figures.SdkToCbor:F1}; "
                    + $"{figures.FastCborAllocated:F2} B and {figures.FastJsonAllocated:F2} B per record"));
        return 0;
    });
    return command;
}

static Command Shards()
{
    var shards = new Option<int>("--shards") { Description = "The stream's shards.", DefaultValueFactory = static _ => 1000 };
    var seconds = new Option<int>("--seconds")
    {
        Description = "How long is measured, once all leases are held.",
        DefaultValueFactory = static _ => 30
    };
    var rate = new Option<double>("--rate") { Description = "Records per shard and second.", DefaultValueFactory = static _ => 1 };
    var json = new Option<bool>("--json") { Description = "One line of JSON." };
    var command = new Command("shards", "One worker on many shards that trickle, on an EmbeddedKinesis in a process of its own.")
    {
        shards,
        seconds,
        rate,
        json
    };
    command.SetAction(async (arguments, cancellationToken) =>
    {
        ShardsFigures figures = await ShardsCommand.RunAsync(
            arguments.GetValue(shards), TimeSpan.FromSeconds(arguments.GetValue(seconds)), arguments.GetValue(rate), cancellationToken);
        Console.WriteLine(arguments.GetValue(json)
            ? JsonSerializer.Serialize(figures, FiguresJson.Default.ShardsFigures)
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{figures.Shards} shards: {figures.Records} records in {figures.Reads} reads over {figures.WallSeconds:F1} s; "
                    + $"{figures.CpuPercentOfOneCore:F0} % of a core, {figures.WorkingSet >> 20} MiB, {figures.MostThreads} threads"));
        return 0;
    });
    return command;
}

static Command Serve()
{
    var shards = new Option<int>("--shards");
    var perAnswer = new Option<int>("--per-answer");
    var size = new Option<int>("--size");
    var command = new Command("serve", "The replay server.") { shards, perAnswer, size };
    command.Hidden = true;
    command.SetAction(
        (arguments, _) => ReadCommand.ServeAsync(arguments.GetValue(shards), arguments.GetValue(perAnswer), arguments.GetValue(size)));
    return command;
}

static Command ServeShards()
{
    var shards = new Option<int>("--shards");
    var rate = new Option<double>("--rate");
    var command = new Command("serve-shards", "The stream of the command 'shards'.") { shards, rate };
    command.Hidden = true;
    command.SetAction((arguments, _) => ShardsCommand.ServeAsync(arguments.GetValue(shards), arguments.GetValue(rate)));
    return command;
}

static void Print(ReadFigures figures, bool asJson) => Console.WriteLine(asJson
    ? JsonSerializer.Serialize(figures, FiguresJson.Default.ReadFigures)
    : string.Create(
        CultureInfo.InvariantCulture,
        $"{figures.Client,-6} {figures.Protocol}  {figures.CpuMicrosecondsPerRecord:F3} us CPU and {figures.AllocatedBytesPerRecord:F2} "
            + $"B per record, {figures.AllocatedBytesPerRequest:F0} B per request, {figures.RecordsPerSecond:F0} records/s, "
            + $"peak {figures.PeakWorkingSet >> 20} MiB"));
