using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using FastConsumer.Integration.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.LoadTest.Failover;

/// <summary>A worker in a process of its own, which may be killed, paused, or told to stop.</summary>
internal sealed class FailoverWorker : IAsyncDisposable
{
    private readonly OwnProcess _process;
    private readonly Task _reading;

    private FailoverWorker(string name, OwnProcess process, FailoverLedger ledger)
    {
        Name = name;
        _process = process;
        _reading = ReadAsync(ledger);
    }

    public string Name { get; }

    public static FailoverWorker Start(string name, FailoverServers servers, FailoverSettings settings, FailoverLedger ledger) => new(
        name,
        OwnProcess.Start(
            "failover-worker",
            "--name", name,
            "--kinesis", servers.KinesisUrl,
            "--dynamo", servers.DynamoUrl,
            "--lease", settings.Lease.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            "--checkpoint", settings.CheckpointInterval.TotalSeconds.ToString(CultureInfo.InvariantCulture)),
        ledger);

    public void Send(Signal signal) => Signals.Send(_process.Id, signal);

    /// <summary>The exit code, once it has ended and all it said is read.</summary>
    public async Task<int> ExitedAsync(CancellationToken cancellationToken)
    {
        await _reading;
        return await _process.ExitedAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    /// <summary>The worker's own command.</summary>
    public static Command CreateCommand()
    {
        var name = new Option<string>("--name");
        var kinesis = new Option<string>("--kinesis");
        var dynamo = new Option<string>("--dynamo");
        var lease = new Option<double>("--lease");
        var checkpoint = new Option<double>("--checkpoint");
        var command = new Command("failover-worker", "A worker of the command 'failover'.") { name, kinesis, dynamo, lease, checkpoint };
        command.Hidden = true;
        command.SetAction((arguments, cancellationToken) => RunAsync(
            arguments.GetValue(name)!,
            arguments.GetValue(kinesis)!,
            arguments.GetValue(dynamo)!,
            TimeSpan.FromSeconds(arguments.GetValue(lease)),
            TimeSpan.FromSeconds(arguments.GetValue(checkpoint)),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        string name, string kinesis, string dynamo, TimeSpan lease, TimeSpan checkpoint, CancellationToken cancellationToken)
    {
        _ = OwnProcess.UntilInputEndsAsync().ContinueWith(
            static _ => Process.GetCurrentProcess().Kill(), cancellationToken, TaskContinuationOptions.None, TaskScheduler.Default);
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders().AddConsole(static console => console.LogToStandardErrorThreshold = LogLevel.Trace)
            .SetMinimumLevel(LogLevel.Error);
        builder.Services
            .AddFastConsumer(options =>
            {
                options.ReadFrom(kinesis);
                options.WorkerId = name;
                options.LeaseDuration = lease;
                options.CheckpointInterval = checkpoint;
            })
            .AddProcessor<FailoverProcessor>()
            .UseDynamoDb(table =>
            {
                table.ServiceUrl = dynamo;
                table.Region = LoadTestOptions.Region;
                table.Credentials = LoadTestOptions.Credentials;
            });
        // a SIGTERM is the host's own to handle
        await builder.Build().RunAsync(CancellationToken.None);
        return 0;
    }

    private async Task ReadAsync(FailoverLedger ledger)
    {
        while (await _process.TryReadLineAsync(CancellationToken.None) is { } line)
        {
            if (line.Split(' ') is [var shard, var token, var number, var at])
            {
                ledger.Handled(
                    Name,
                    shard,
                    long.Parse(token, CultureInfo.InvariantCulture),
                    long.Parse(number, CultureInfo.InvariantCulture),
                    long.Parse(at, CultureInfo.InvariantCulture));
            }
        }
    }
}

/// <summary>Where the servers are.</summary>
internal sealed record FailoverServers(string KinesisUrl, string DynamoUrl);
