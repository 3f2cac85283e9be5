using System.Reflection;
using FastConsumer.Cli.Tests.Fleets;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Testing;

namespace FastConsumer.Cli.Tests.Walkthroughs;

/// <summary>docs/walkthrough.md, from its first command to its last: workers are processes, and one is killed.</summary>
public sealed class WalkthroughTests(DynoxideServer dynamo) : IAsyncDisposable
{
    private const string Stream = "orders";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly List<ChildProcess> _workers = [];
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;
    private Dictionary<string, string?> _environment = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_command_prints_what_the_page_says()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(new EmbeddedKinesisOptions(), Cancellation);
        kinesis.CreateStream(Stream, 4);
        _environment = new Dictionary<string, string?>
        {
            ["AWS_ACCESS_KEY_ID"] = "local",
            ["AWS_SECRET_ACCESS_KEY"] = "local",
            ["AWS_REGION"] = "us-east-1",
            ["AWS_ENDPOINT_URL_KINESIS"] = kinesis.ServiceUrl,
            ["AWS_ENDPOINT_URL_DYNAMODB"] = dynamo.ServiceUrl,
            ["FASTCONSUMER_APPLICATION"] = "order-desk",
            ["FASTCONSUMER_STREAM"] = Stream,
        };
        IReadOnlyList<Walkthrough.Step> steps = Walkthrough.Read(MetadataOf("Walkthrough"));
        Assert.True(steps.Count > 10, $"Only {steps.Count} commands were found.");
        foreach (Walkthrough.Step step in steps)
        {
            await RunAsync(step);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ChildProcess worker in _workers)
        {
            await worker.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static string MetadataOf(string key) => Path.GetFullPath(typeof(WalkthroughTests).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == key).Value!);

    private async Task RunAsync(Walkthrough.Step step)
    {
        if (step.Command.StartsWith("kill -9 %", StringComparison.Ordinal))
        {
            // the guard's end is the worker's
            await _workers[int.Parse(step.Command[^1..]) - 1].DisposeAsync();
        }
        else if (step.Command.StartsWith("dotnet run --project samples/Walkthrough -- ", StringComparison.Ordinal))
        {
            string worker = step.Command.Split(' ')[5];
            _workers.Add(ChildProcess.Start(
                "node", [NodePackages.Script("guard.cjs"), "dotnet", MetadataOf("Worker"), worker], _folder, _environment));
        }
        else
        {
            await RunToolAsync(step);
        }
    }

    private async Task RunToolAsync(Walkthrough.Step step)
    {
        string[] parts = step.Command.Split(" | ");
        string[] words = Walkthrough.Words(parts[^1]);
        Assert.Equal("fastconsumer", words[0]);
        List<string> arguments = [.. words.Skip(1)];
        if (parts.Length > 1)
        {
            string file = Path.Combine(_folder, $"{Guid.NewGuid():N}.txt");
            await File.WriteAllLinesAsync(file, LinesOf(Walkthrough.Words(parts[0])), Cancellation);
            arguments.AddRange(["--file", file]);
        }

        // what a fleet shows follows what was done within a moment; what changes something is done once
        bool isChange = parts.Length > 1 || arguments.Contains("--yes");
        string expected = Walkthrough.ShapeOf(step.Output);
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            ToolRun run = await FleetTest.RunAsync(_environment, [.. arguments]);
            string actual = Walkthrough.ShapeOf(run.Output.Split('\n'));
            if (actual == expected)
            {
                return;
            }

            bool isOver = isChange || TimeProvider.System.GetElapsedTime(started) > s_patience;
            Assert.False(
                isOver,
                $"$ {step.Command}\nexit code {run.ExitCode}\n{run.Output}\n{run.Errors}\n--- shape\n{actual}\n--- expected "
                    + $"shape\n{expected}\n"
                    + $"--- workers\n{string.Join("\n\n", _workers.Select(static worker => worker.LastOutput))}");
            await Task.Delay(500, Cancellation);
        }
    }

    private static IEnumerable<string> LinesOf(string[] words) => words[0] switch
    {
        "seq" => Enumerable.Range(int.Parse(words[1]), int.Parse(words[2]) - int.Parse(words[1]) + 1).Select(static i => $"{i}"),
        "echo" => [string.Join(' ', words.Skip(1))],
        _ => throw new InvalidOperationException($"The test does not know the command '{words[0]}'."),
    };
}
