using System.Diagnostics;
using System.Runtime;

namespace FastConsumer.LoadTest.Read;

/// <summary>
/// Counts what was read, from any thread, and takes the process's own figures at the end of the warm-up and at the end.
/// Whoever reads reports whole answers or a thousand records at a time, so counting costs next to nothing.
/// </summary>
internal sealed class Meter(ReadSettings settings)
{
    // Code is compiled again while it runs. On a busy machine that takes a while, and the more code, the longer: figures
    // begin when the compiler has been silent, so that they are those of a service that has run for a while.
    private static readonly TimeSpan s_leastWarmUp = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_mostWarmUp = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_compilerNoise = TimeSpan.FromMilliseconds(5);

    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _records;
    private long _bytes;
    private long? _started;
    private long _silentSince;
    private TimeSpan _compiled;
    private Moment? _first;
    private Moment? _last;

    /// <summary>Done once enough was read.</summary>
    public Task Ended => _ended.Task;

    public void Add(long records, long bytes)
    {
        lock (_lock)
        {
            _records += records;
            _bytes += bytes;
            _started ??= TimeProvider.System.GetTimestamp();
            if (_first is null)
            {
                if (_records >= settings.WarmUp && IsWarm(TimeProvider.System.GetElapsedTime(_started.Value)))
                {
                    _first = Moment.Now(_records, _bytes);
                }
            }
            else if (_last is null && _records >= _first.Records + settings.Records)
            {
                _last = Moment.Now(_records, _bytes);
                _ended.SetResult();
            }
        }
    }

    private bool IsWarm(TimeSpan elapsed)
    {
        if (elapsed < s_leastWarmUp)
        {
            return false;
        }

        TimeSpan compiled = JitInfo.GetCompilationTime();
        if (_silentSince == 0 || compiled - _compiled > s_compilerNoise)
        {
            _compiled = compiled;
            _silentSince = TimeProvider.System.GetTimestamp();
        }

        return TimeProvider.System.GetElapsedTime(_silentSince) >= s_silence || elapsed >= s_mostWarmUp;
    }

    /// <summary>The figures, after <see cref="Ended"/>.</summary>
    public ReadFigures Figures()
    {
        Moment first = _first!;
        Moment last = _last!;
        using var self = Process.GetCurrentProcess();
        return new ReadFigures
        {
            Client = settings.Client.ToString().ToLowerInvariant(),
            Protocol = settings.IsCbor ? "cbor" : "json",
            Records = last.Records - first.Records,
            Bytes = last.Bytes - first.Bytes,
            RecordsPerAnswer = settings.PerAnswer,
            WallSeconds = TimeProvider.System.GetElapsedTime(first.Timestamp, last.Timestamp).TotalSeconds,
            CpuSeconds = (last.Cpu - first.Cpu).TotalSeconds,
            AllocatedBytes = last.Allocated - first.Allocated,
            Gen0 = last.Gen0 - first.Gen0,
            Gen1 = last.Gen1 - first.Gen1,
            Gen2 = last.Gen2 - first.Gen2,
            CompilerSeconds = (last.Compiler - first.Compiler).TotalSeconds,
            PeakWorkingSet = self.PeakWorkingSet64,
        };
    }

    private sealed record Moment(
        long Records, long Bytes, long Timestamp, TimeSpan Cpu, long Allocated, int Gen0, int Gen1, int Gen2, TimeSpan Compiler)
    {
        public static Moment Now(long records, long bytes) => new(
            records,
            bytes,
            TimeProvider.System.GetTimestamp(),
            Environment.CpuUsage.TotalTime,
            GC.GetTotalAllocatedBytes(precise: true),
            GC.CollectionCount(0),
            GC.CollectionCount(1),
            GC.CollectionCount(2),
            JitInfo.GetCompilationTime());
    }
}

/// <summary>A shard's own count: plain fields, handed on a thousand records at a time.</summary>
internal sealed class ShardCount(Meter meter)
{
    private const int Step = 1000;
    private int _records;
    private long _bytes;

    public void Add(int bytes)
    {
        _bytes += bytes;
        if (++_records == Step)
        {
            meter.Add(Step, _bytes);
            _records = 0;
            _bytes = 0;
        }
    }
}
