using System.Buffers;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FastConsumer.CloudWatch;

/// <summary>
/// Writes the metrics of a host's consumers each interval, and once more when all of them have stopped. What cannot be written is dropped
/// and counted: metrics that wait would only be more later.
/// </summary>
internal sealed class CloudWatchExporter : IHostedLifecycleService, IDisposable
{
    /// <summary>Between two messages of failures lies at least this much.</summary>
    public static readonly TimeSpan BetweenMessages = TimeSpan.FromMinutes(1);

    private readonly IMeterFactory _meters;
    private readonly CloudWatchOptions _options;
    private readonly IEmfSink _sink;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private MetricCollector? _collector;
    private Task _loop = Task.CompletedTask;
    private long? _lastMessage;
    private long _lastObservingMessage;
    private bool _observingHasFailed;
    private bool _isFailing;
    private long _dropped;
    private long _droppedSinceMessage;

    public CloudWatchExporter(
        IMeterFactory meters, IOptions<CloudWatchOptions> options, IEmfSink sink, TimeProvider time, ILoggerFactory loggers)
    {
        _meters = meters;
        _options = options.Value;
        _sink = sink;
        _time = time;
        _log = loggers.CreateLogger("FastConsumer.CloudWatch");
    }

    /// <summary>How many lines were not written.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Before any consumer starts, so that nothing of theirs is missed.</summary>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _collector = new MetricCollector(_meters, _options.Namespace, _options.ShardDimension);
        // made here, so that the first interval begins with the host
        PeriodicTimer timer = new(_options.FlushInterval, _time);
        _loop = RunAsync(timer, _collector);
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>After all consumers have stopped: what they counted last is written too.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _loop.WaitAsync(cancellationToken);
        if (_collector is { } collector)
        {
            _collector = null;
            await FlushAsync(collector, cancellationToken);
            collector.Dispose();
        }
    }

    public void Dispose()
    {
        // of a host that was not stopped: the loop ends by itself
        _stopping.Cancel();
        _collector?.Dispose();
    }

    private async Task RunAsync(PeriodicTimer timer, MetricCollector collector)
    {
        using (timer)
        {
            try
            {
                while (await timer.WaitForNextTickAsync(_stopping.Token))
                {
                    // a stop lets it end: a line that is sent in part is of no use
                    await FlushAsync(collector, CancellationToken.None);
                }
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                // the host stops, and writes the rest
            }
        }
    }

    private async Task FlushAsync(MetricCollector collector, CancellationToken cancellationToken)
    {
        List<EmfObject> objects = collector.Collect(ObservingFailed);
        if (objects.Count == 0)
        {
            return;
        }

        List<ReadOnlyMemory<byte>> lines = Write(objects);
        try
        {
            await _sink.WriteAsync(lines, cancellationToken);
        }
        catch (Exception e)
        {
            Failed(lines.Count, e);
            return;
        }

        if (_isFailing)
        {
            CloudWatchLog.TakesAgain(_log, _sink.Name, _droppedSinceMessage, _dropped);
            _isFailing = false;
            _droppedSinceMessage = 0;
        }
    }

    private List<ReadOnlyMemory<byte>> Write(List<EmfObject> objects)
    {
        DateTimeOffset now = _time.GetUtcNow();
        List<int> ends = [];
        _buffer.ResetWrittenCount();
        foreach (EmfObject line in objects)
        {
            string? logGroup = _options.Destination == CloudWatchDestination.Agent ? LogGroupOf(line) : null;
            EmfWriter.Write(_buffer, line, logGroup, now);
            ends.Add(_buffer.WrittenCount);
        }

        List<ReadOnlyMemory<byte>> lines = [];
        int start = 0;
        foreach (int end in ends)
        {
            lines.Add(_buffer.WrittenMemory[start..end]);
            start = end;
        }

        return lines;
    }

    /// <summary>Namespaces may have a colon, log groups may not.</summary>
    private string LogGroupOf(EmfObject line) => _options.LogGroup ?? $"{line.Namespace.Replace(':', '-')}-metrics";

    private void Failed(int lines, Exception exception)
    {
        _isFailing = true;
        Interlocked.Add(ref _dropped, lines);
        _droppedSinceMessage += lines;
        if (_lastMessage is long last && _time.GetElapsedTime(last) < BetweenMessages)
        {
            return;
        }

        _lastMessage = _time.GetTimestamp();
        CloudWatchLog.Dropped(_log, _sink.Name, _droppedSinceMessage, _dropped, _options.FlushInterval, exception.Message);
        _droppedSinceMessage = 0;
    }

    private void ObservingFailed(Exception exception)
    {
        if (!_observingHasFailed || _time.GetElapsedTime(_lastObservingMessage) >= BetweenMessages)
        {
            _observingHasFailed = true;
            _lastObservingMessage = _time.GetTimestamp();
            CloudWatchLog.ObservingFailed(_log, exception);
        }
    }
}
