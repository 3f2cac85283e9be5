using System.Globalization;
using System.Text.Json;
using FastConsumer.LoadTest.Replay;

namespace FastConsumer.LoadTest.Read;

/// <summary>Runs one client against a replay server in another process, or all of them in turn.</summary>
internal static class ReadCommand
{
    /// <summary>One run in this process.</summary>
    public static async Task<ReadFigures> RunAsync(ReadSettings settings, string? url, CancellationToken cancellationToken)
    {
        if (url is null)
        {
            await using OwnProcess server = StartServer(settings);
            return await RunAsync(settings, await server.ReadLineAsync(cancellationToken), cancellationToken);
        }

        var meter = new Meter(settings);
        await (settings.Client switch
        {
            ReadClient.Fast => FastReader.RunAsync(url, settings, meter, cancellationToken),
            ReadClient.Sdk => SdkReader.RunAsync(url, settings, meter, cancellationToken),
            _ => DrainReader.RunAsync(url, settings, meter, cancellationToken),
        });
        return meter.Figures();
    }

    /// <summary>Runs of all clients in turn, each in a process of its own against the same server.</summary>
    public static async Task<Comparison> CompareAsync(ReadSettings settings, int runs, CancellationToken cancellationToken)
    {
        await using OwnProcess server = StartServer(settings);
        string url = await server.ReadLineAsync(cancellationToken);
        var figures = Enum.GetValues<ReadClient>().ToDictionary(static client => client, static _ => new List<ReadFigures>());
        for (int run = 0; run < runs; run++)
        {
            // no client is always the first after a pause
            foreach (ReadClient client in Enum.GetValues<ReadClient>().Select((_, i) => (ReadClient)((run + i) % 3)))
            {
                // the SDK's way is tens of times slower: fewer records tell as much
                long records = client == ReadClient.Sdk ? Math.Max(settings.Records / 10, settings.PerAnswer) : settings.Records;
                bool isCbor = settings.IsCbor && client != ReadClient.Sdk;
                await using OwnProcess process = OwnProcess.Start(
                    Arguments(settings with { Client = client, IsCbor = isCbor, Records = records }, url));
                string line = await process.ReadLineAsync(cancellationToken);
                figures[client].Add(JsonSerializer.Deserialize(line, FiguresJson.Default.ReadFigures)!);
            }
        }

        return Compare(runs, figures);
    }

    /// <summary>The server's own process: writes its address and answers until its input ends.</summary>
    public static async Task ServeAsync(int shards, int perAnswer, int size)
    {
        using var server = new ReplayServer(shards, perAnswer, size);
        using var ended = new CancellationTokenSource();
        Console.WriteLine($"http://127.0.0.1:{server.Start()}");
        Task serving = server.RunAsync(ended.Token);
        await Task.WhenAny(serving, OwnProcess.UntilInputEndsAsync());
        await ended.CancelAsync();
    }

    /// <summary>The arguments of a run of one client against a server.</summary>
    public static string[] Arguments(ReadSettings settings, string url) =>
    [
        "read",
        // not said where it is as usual: the load test of another commit may not know it
        .. settings.Telemetry == ReadTelemetry.NoListener ? (string[])[] : ["--telemetry", settings.Telemetry.ToString()],
        .. settings.State is { } state ? (string[])["--state", state.ToString()] : [],
        "--client", settings.Client.ToString(), "--url", url, "--json", "--protocol", settings.IsCbor ? "cbor" : "json",
        "--records", Text(settings.Records), "--size", Text(settings.Size), "--shards", Text(settings.Shards),
        "--per-answer", Text(settings.PerAnswer),
    ];

    public static OwnProcess StartServer(ReadSettings settings) =>
        OwnProcess.Start(
            "serve", "--shards", Text(settings.Shards), "--per-answer", Text(settings.PerAnswer), "--size", Text(settings.Size));

    private static Comparison Compare(int runs, Dictionary<ReadClient, List<ReadFigures>> figures)
    {
        ReadFigures fast = MedianByCpu(figures[ReadClient.Fast]);
        ReadFigures sdk = MedianByCpu(figures[ReadClient.Sdk]);
        ReadFigures drain = MedianByCpu(figures[ReadClient.Drain]);
        return new Comparison(
            runs,
            [fast, sdk, drain],
            fast.CpuMicrosecondsPerRecord / drain.CpuMicrosecondsPerRecord,
            sdk.CpuMicrosecondsPerRecord / fast.CpuMicrosecondsPerRecord,
            fast.AllocatedBytesPerRequest - drain.AllocatedBytesPerRequest,
            fast.AllocatedBytesPerRecord,
            Ratios(figures[ReadClient.Fast], figures[ReadClient.Drain]),
            Ratios(figures[ReadClient.Sdk], figures[ReadClient.Fast]));
    }

    private static ReadFigures MedianByCpu(List<ReadFigures> figures) =>
        figures.OrderBy(static run => run.CpuMicrosecondsPerRecord).ElementAt(figures.Count / 2);

    private static double[] Ratios(List<ReadFigures> over, List<ReadFigures> under) =>
        [.. over.Zip(under, static (a, b) => Math.Round(a.CpuMicrosecondsPerRecord / b.CpuMicrosecondsPerRecord, 3))];

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
