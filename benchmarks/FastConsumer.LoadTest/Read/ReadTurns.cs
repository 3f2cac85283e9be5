using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace FastConsumer.LoadTest.Read;

/// <summary>One of several ways to read.</summary>
/// <param name="Name">What it is called while the runs go on.</param>
/// <param name="Settings">Its runs; which server and how many records are the same for all ways.</param>
internal sealed record ReadWay(string Name, ReadSettings Settings);

/// <summary>Runs of FastConsumer's worker in several ways, in turn against one replay server, each in a process of its own.</summary>
internal sealed class ReadTurns
{
    private readonly List<ReadFigures>[] _runs;

    private ReadTurns(int ways) => _runs = [.. Enumerable.Range(0, ways).Select(static _ => new List<ReadFigures>())];

    /// <summary>How many records a run reads, and how often each way has its turn.</summary>
    public static (Option<long> Records, Option<int> Size, Option<int> Pairs) CreateOptions()
    {
        var records = new Option<long>("--records")
        {
            Description = "How many records a run reads, after a warm-up.",
            DefaultValueFactory = static _ => 4_000_000,
        };
        var size = new Option<int>("--size") { Description = "Bytes of data in a record.", DefaultValueFactory = static _ => 1024 };
        var pairs = new Option<int>("--pairs")
        {
            Description = "How often each of the three has its turn, 1 or more.",
            DefaultValueFactory = static _ => 20,
        };
        pairs.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--pairs must be 1 or more.");
            }
        });
        return (records, size, pairs);
    }

    /// <summary>Runs each way so many times; each round is told on standard error.</summary>
    public static async Task<ReadTurns> RunAsync(int rounds, CancellationToken cancellationToken, params ReadWay[] ways)
    {
        await using OwnProcess server = ReadCommand.StartServer(ways[0].Settings);
        string url = await server.ReadLineAsync(cancellationToken);
        var turns = new ReadTurns(ways.Length);
        for (int round = 0; round < rounds; round++)
        {
            foreach (int way in Order(ways.Length, round))
            {
                await using OwnProcess process = OwnProcess.Start(ReadCommand.Arguments(ways[way].Settings, url));
                string line = await process.ReadLineAsync(cancellationToken);
                turns._runs[way].Add(JsonSerializer.Deserialize(line, FiguresJson.Default.ReadFigures)!);
            }

            IEnumerable<string> figures = ways.Zip(turns._runs, static (way, runs) =>
                string.Create(CultureInfo.InvariantCulture, $"{way.Name} {runs[^1].CpuMicrosecondsPerRecord:F4} us"));
            await Console.Error.WriteLineAsync($"pair {round + 1} of {rounds}: {string.Join(", ", figures)}");
        }

        return turns;
    }

    /// <summary>CPU time per record in microseconds, of each run of a way.</summary>
    public IEnumerable<double> Cpu(int way) => _runs[way].Select(static run => run.CpuMicrosecondsPerRecord);

    /// <summary>Bytes allocated per record by a way: the median.</summary>
    public double Bytes(int way) => Turns.Median(_runs[way].Select(static run => run.AllocatedBytesPerRecord));

    /// <summary>The longest that code was still compiled in the measured part of a run, in seconds.</summary>
    public double MostCompilerSeconds => _runs.Max(static runs => runs.Max(static run => run.CompilerSeconds));

    /// <summary>Turned and reversed from round to round, so that none has a place of its own.</summary>
    private static IEnumerable<int> Order(int ways, int round)
    {
        IEnumerable<int> turned = Enumerable.Range(0, ways).Select(i => (round + i) % ways);
        return round % 2 == 0 ? turned : turned.Reverse();
    }
}
