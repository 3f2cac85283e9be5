using System.CommandLine;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.LoadTest.ExactlyOnce;

/// <summary>A worker of the command 'exactly-once', in a process of its own.</summary>
internal static class ExactlyOnceWorker
{
    /// <summary>Long enough for a machine that stands still for a moment, and short enough to wait for.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan s_checkpoint = TimeSpan.FromSeconds(1);

    public static IEnumerable<string> Arguments(ExactlyOnceServers servers) =>
    [
        "exactly-once-worker", "--sink", servers.Sink, "--kinesis", servers.KinesisUrl, "--dynamo", servers.DynamoUrl,
        "--postgres", servers.Postgres, "--folder", servers.Folder,
    ];

    public static Command CreateCommand()
    {
        var sink = new Option<string>("--sink");
        var kinesis = new Option<string>("--kinesis");
        var dynamo = new Option<string>("--dynamo");
        var postgres = new Option<string>("--postgres");
        var folder = new Option<string>("--folder");
        var command = new Command("exactly-once-worker", "A worker of the command 'exactly-once'.")
        {
            sink, kinesis, dynamo, postgres, folder,
        };
        command.Hidden = true;
        command.SetAction((arguments, cancellationToken) => RunAsync(
            new ExactlyOnceServers(
                arguments.GetValue(sink)!,
                arguments.GetValue(kinesis)!,
                arguments.GetValue(dynamo)!,
                arguments.GetValue(postgres)!,
                arguments.GetValue(folder)!),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ExactlyOnceServers servers, CancellationToken cancellationToken)
    {
        _ = OwnProcess.UntilInputEndsAsync().ContinueWith(
            static _ => Process.GetCurrentProcess().Kill(), cancellationToken, TaskContinuationOptions.None, TaskScheduler.Default);
        await using CountedSink sink = CountedSink.All[servers.Sink](servers);
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders().AddConsole(static console => console.LogToStandardErrorThreshold = LogLevel.Trace)
            .SetMinimumLevel(LogLevel.Error);
        sink.Bind(builder.Services
            .AddFastConsumer(options =>
            {
                options.ReadFrom(servers.KinesisUrl);
                options.LeaseDuration = Lease;
                options.CheckpointInterval = s_checkpoint;
            })
            .AddProcessor<CountingProcessor>()
            .UseDynamoDb(table =>
            {
                table.ServiceUrl = servers.DynamoUrl;
                table.Region = LoadTestOptions.Region;
                table.Credentials = LoadTestOptions.Credentials;
            })
            .UseLocalCheckpoints(servers.Folder)
            .AddOutput<CountedRecord>("rows"));
        await builder.Build().RunAsync(CancellationToken.None);
        return 0;
    }
}

/// <summary>Where the values go, where the servers are, and where snapshots are kept.</summary>
internal sealed record ExactlyOnceServers(string Sink, string KinesisUrl, string DynamoUrl, string Postgres, string Folder);
