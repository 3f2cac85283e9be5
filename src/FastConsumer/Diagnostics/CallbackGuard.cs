using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>
/// Loggers, meter listeners and callbacks of cancellation tokens are the application's code, called in the midst of FastConsumer's. What
/// they throw is caught at the call, counted and shown in health, and ends nothing; one that does not return is shown in health too.
/// Thread-safe.
/// </summary>
/// <param name="findings">Told of both; null where nobody is.</param>
/// <param name="scope">Where findings name it.</param>
/// <param name="time">The clock.</param>
internal sealed class CallbackGuard(Findings? findings, string scope, TimeProvider time)
{
    public const string Logger = "A logger";
    public const string MeterListener = "A meter listener";
    public const string TokenCallback = "A callback on a handler's cancellation token";

    /// <summary>What was thrown last is shown for so long.</summary>
    private static readonly TimeSpan s_shownFor = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan s_toldEach = TimeSpan.FromMinutes(1);

    // by the thread's id, which is used again when the thread has ended
    private readonly ConcurrentDictionary<int, Call> _calls = new();
    private readonly Lock _lock = new();
    private long _failures;
    private long _failedAt;
    private long _toldAt;
    private bool _isTelling;
    private bool _isShown;
    private bool _isBlockedShown;

    /// <summary>For what has no health to show it in.</summary>
    public static CallbackGuard Silent { get; } = new(null, "callbacks", TimeProvider.System);

    /// <summary>Hears of what was caught; a logger that throws is not told of itself.</summary>
    public ILogger? Log { get; set; }

    /// <summary>How many exceptions were caught.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Before a call; <see cref="Leave"/> follows on the same thread.</summary>
    public Call Enter(string what)
    {
        Call call = _calls.GetOrAdd(Environment.CurrentManagedThreadId, static _ => new Call());
        if (call.Depth++ == 0)
        {
            call.What = what;
            Volatile.Write(ref call.Since, time.GetTimestamp());
        }

        return call;
    }

    /// <summary>After a call, however it ended.</summary>
    public static void Leave(Call call)
    {
        if (--call.Depth == 0)
        {
            Volatile.Write(ref call.Since, 0);
        }
    }

    /// <summary>Cancels; what the callbacks throw is caught. Runs them on the caller's thread.</summary>
    public void Cancel(CancellationTokenSource source)
    {
        Call call = Enter(TokenCallback);
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // nobody waits for it any more
        }
        catch (Exception e)
        {
            Failed(TokenCallback, (e as AggregateException)?.InnerExceptions[0] ?? e);
        }
        finally
        {
            Leave(call);
        }
    }

    /// <summary>A call has thrown.</summary>
    public void Failed(string what, Exception error)
    {
        long failures = Interlocked.Increment(ref _failures);
        bool tells;
        lock (_lock)
        {
            long now = time.GetTimestamp();
            _failedAt = now;
            _isShown = true;
            // once, and then now and then with the count; not of what is thrown while it is told
            tells = !_isTelling && what != Logger && (_toldAt == 0 || time.GetElapsedTime(_toldAt, now) >= s_toldEach);
            if (tells)
            {
                _isTelling = true;
                _toldAt = now;
            }
        }

        findings?.Raise(FindingRules.CallbacksFail, scope, $"{what} of this application threw {error.GetType().Name}. "
            + $"FastConsumer goes on without it. This was exception {failures} of its loggers, meter listeners and token callbacks.");
        if (!tells)
        {
            return;
        }

        try
        {
            if (Log is not null)
            {
                ConsumerLog.CallbackFailed(Log, what, failures, error);
            }
        }
        finally
        {
            _isTelling = false;
        }
    }

    /// <summary>
    /// Shows calls that have not returned for so long, and no longer what is over. Called now and then; calls nobody but the findings.
    /// </summary>
    public void Look(TimeSpan longest)
    {
        lock (_lock)
        {
            if (_isShown && time.GetElapsedTime(_failedAt) >= s_shownFor)
            {
                _isShown = false;
                findings?.Clear(FindingRules.CallbacksFail, scope);
            }
        }

        string blockedScope = scope + "/blocked";
        List<(string What, TimeSpan Time)> blocked = [];
        foreach (Call call in _calls.Values)
        {
            if (Volatile.Read(ref call.Since) is var since and not 0 && time.GetElapsedTime(since) is var elapsed && elapsed >= longest)
            {
                blocked.Add((call.What, elapsed));
            }
        }

        if (blocked.Count > 0)
        {
            (string what, TimeSpan worst) = blocked.MaxBy(static call => call.Time);
            findings?.Raise(FindingRules.CallbacksFail, blockedScope, $"{what} of this application has not returned for "
                + $"{worst:hh\\:mm\\:ss}, and whatever called it waits ({blocked.Count} in all). Loggers, meter listeners and token "
                + "callbacks must return soon.");
            _isBlockedShown = true;
        }
        else if (_isBlockedShown)
        {
            _isBlockedShown = false;
            findings?.Clear(FindingRules.CallbacksFail, blockedScope);
        }
    }

    /// <summary>A thread's calls.</summary>
    internal sealed class Call
    {
        public long Since;

        public int Depth { get; set; }

        public string What { get; set; } = "";
    }
}
