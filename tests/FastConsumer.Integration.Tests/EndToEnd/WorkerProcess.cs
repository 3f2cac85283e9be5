using System.Collections.Concurrent;
using System.Globalization;
using System.Numerics;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>A line that the worker program printed for a record.</summary>
internal sealed record PrintedRecord(string Worker, string ShardId, BigInteger SequenceNumber, long FencingToken, string Payload);

/// <summary>A worker in a process of its own, told by command line and environment what to do.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    // short enough to wait for its end, long enough for a busy machine to renew it
    private const int LeaseSeconds = 4;

    private readonly ConcurrentQueue<PrintedRecord> _records = new();
    private readonly ConcurrentQueue<string> _log = new();
    private readonly ChildProcess _child;

    private readonly ConcurrentQueue<string> _said = new();

    private WorkerProcess(LocalAws aws, string stream, string name, TimeSpan pause, string? dynamoUrl, string[] arguments)
    {
        Name = name;
        _child = ChildProcess.Start(
            "dotnet",
            [
                ProgramFiles.Worker,
                $"--pause={pause}",
                $"--FastConsumer:ApplicationName={stream}",
                $"--FastConsumer:WorkerId={name}",
                $"--FastConsumer:LeaseDuration=00:00:0{LeaseSeconds}",
                "--FastConsumer:CheckpointInterval=00:00:00.4",
                $"--FastConsumer:Processors:PrintingProcessor:Stream={stream}",
                .. arguments,
            ],
            Path.GetTempPath(),
            new Dictionary<string, string?>
            {
                ["AWS_ENDPOINT_URL_KINESIS"] = aws.KinesisUrl,
                ["AWS_ENDPOINT_URL_DYNAMODB"] = dynamoUrl ?? aws.DynamoUrl,
                ["AWS_REGION"] = LocalAws.Region,
                ["AWS_ACCESS_KEY_ID"] = "test",
                ["AWS_SECRET_ACCESS_KEY"] = "test",
                ["DOTNET_TieredPGO"] = "0",
            },
            OnOutput,
            _log.Enqueue);
    }

    public string Name { get; }

    public IReadOnlyList<PrintedRecord> Records => [.. _records];

    public IReadOnlyList<string> Log => [.. _log];

    /// <summary>Lines that it printed for other things than records.</summary>
    public IReadOnlyList<string> Said => [.. _said];

    /// <summary>The exit code, once it has ended; what it printed is all here then.</summary>
    public Task<int> ExitedAsync() => Eventually.EndsAsync($"{Name} ends", _child.Exited, ToString);

    public static WorkerProcess Start(
        LocalAws aws, string stream, string name, TimeSpan pause = default, string? dynamoUrl = null, params string[] arguments) =>
        new(aws, stream, name, pause, dynamoUrl, arguments);

    public void Send(Signal signal) => Signals.Send(_child.Id, signal);

    public Task HasPrintedAsync(int count) =>
        Eventually.ThatAsync($"{Name} printed {count} records", () => _records.Count >= count, () => $"{_records.Count} it did. {this}");

    public Task HasSaidAsync(params string[] lines) =>
        Eventually.ThatAsync($"{Name} said '{string.Join(", ", lines)}'", () => lines.All(_said.Contains), ToString);

    public Task HasLoggedAsync(string text) =>
        Eventually.ThatAsync($"{Name} logged '{text}'", () => _log.Any(line => line.Contains(text, StringComparison.Ordinal)), ToString);

    public ValueTask DisposeAsync() => _child.DisposeAsync();

    public override string ToString() => string.Join(
        Environment.NewLine, _log.Prepend($"{Name} said {string.Join(", ", _said)}, and logged:"));

    private void OnOutput(string line)
    {
        if (line.Split(' ', 5) is ["record", var shard, var number, var token, var payload])
        {
            _records.Enqueue(new PrintedRecord(
                Name,
                shard, BigInteger.Parse(number, CultureInfo.InvariantCulture), long.Parse(token, CultureInfo.InvariantCulture), payload));
        }
        else
        {
            _said.Enqueue(line);
        }
    }
}
