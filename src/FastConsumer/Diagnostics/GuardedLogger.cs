using System.Collections;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>
/// The logger of all that a worker runs: what the application's logger throws is caught, and each entry says in its state and in a scope
/// where it belongs: the application, the stream, the processor and the shard.
/// </summary>
internal sealed class GuardedLogger : ILogger
{
    private const string ShardKey = "ShardId";

    private readonly ILogger _inner;
    private readonly CallbackGuard _guard;
    private readonly Entry _where;

    /// <param name="inner">The application's.</param>
    /// <param name="guard">Told what it throws.</param>
    /// <param name="where">What each entry says.</param>
    public GuardedLogger(ILogger inner, CallbackGuard guard, params KeyValuePair<string, object?>[] where)
    {
        _inner = inner;
        _guard = guard;
        _where = new Entry(where);
    }

    /// <summary>The logger of one shard, or of one part of the worker.</summary>
    public static GuardedLogger For(ILogger log, CallbackGuard guard, string application, string stream, string processor) => new(
        log,
        guard,
        new KeyValuePair<string, object?>("Application", application),
        new KeyValuePair<string, object?>("Stream", stream),
        new KeyValuePair<string, object?>("Processor", processor));

    /// <summary>The same for one shard.</summary>
    public GuardedLogger ForShard(string shardId) => new(_inner, _guard, [.. _where, new KeyValuePair<string, object?>(ShardKey, shardId)]);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel)
    {
        CallbackGuard.Call call = _guard.Enter(CallbackGuard.Logger);
        try
        {
            return _inner.IsEnabled(logLevel);
        }
        catch (Exception e)
        {
            _guard.Failed(CallbackGuard.Logger, e);
            return false;
        }
        finally
        {
            CallbackGuard.Leave(call);
        }
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        CallbackGuard.Call call = _guard.Enter(CallbackGuard.Logger);
        try
        {
            if (_where.Count == 0)
            {
                _inner.Log(logLevel, eventId, state, exception, formatter);
                return;
            }

            Entry entry = Merge(state as IReadOnlyList<KeyValuePair<string, object?>>, out Entry scope);
            using (_inner.BeginScope(scope))
            {
                _inner.Log(logLevel, eventId, entry, exception, (_, error) => formatter(state, error));
            }
        }
        catch (Exception e)
        {
            _guard.Failed(CallbackGuard.Logger, e);
        }
        finally
        {
            CallbackGuard.Leave(call);
        }
    }

    /// <summary>What the entry says itself comes first; the message's template stays last, where formatters look for it.</summary>
    private Entry Merge(IReadOnlyList<KeyValuePair<string, object?>>? said, out Entry scope)
    {
        scope = _where;
        if (said is null)
        {
            return _where;
        }

        List<KeyValuePair<string, object?>> all = [.. said];
        foreach (KeyValuePair<string, object?> place in _where)
        {
            if (!Says(said, place.Key))
            {
                all.Insert(Math.Max(0, all.Count - 1), place);
            }
        }

        if (!Says(_where, ShardKey) && Says(said, ShardKey))
        {
            scope = new Entry([.. _where, said.First(static pair => pair.Key == ShardKey)]);
        }

        return new Entry([.. all]);
    }

    private static bool Says(IReadOnlyList<KeyValuePair<string, object?>> pairs, string key)
    {
        for (int i = 0; i < pairs.Count; i++)
        {
            if (pairs[i].Key == key)
            {
                return true;
            }
        }

        return false;
    }

    private sealed class Entry(KeyValuePair<string, object?>[] pairs) : IReadOnlyList<KeyValuePair<string, object?>>
    {
        public int Count => pairs.Length;

        public KeyValuePair<string, object?> this[int index] => pairs[index];

        public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() =>
            ((IEnumerable<KeyValuePair<string, object?>>)pairs).GetEnumerator();

        /// <summary>As consoles show scopes.</summary>
        public override string ToString() => string.Join(' ', pairs.Select(static pair => $"{pair.Key}:{pair.Value}"));

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
