using System.Collections;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>
/// A logger whose entries all say where they come from: its values (application, stream, processor, and a shard where there is one) are in
/// the state of each entry and in a scope around it. Made once for a worker, and once for each of its shards with <see cref="With"/>.
/// </summary>
/// <remarks>What a logging provider throws is not caught here: <see cref="GuardedLogger"/> does.</remarks>
internal sealed class ContextLogger : ILogger
{
    public const string Application = "Application";
    public const string Stream = "Stream";
    public const string Processor = "Processor";
    public const string Shard = "ShardId";

    private static readonly AsyncLocal<Values?> s_current = new();

    private readonly ILogger _inner;
    private readonly Values _values;

    private ContextLogger(ILogger inner, Values values)
    {
        _inner = inner;
        _values = values;
    }

    /// <summary>The logger of a worker.</summary>
    public static ContextLogger ForWorker(ILogger inner, string application, string stream, string processor) =>
        new(inner, new Values([new(Application, application), new(Stream, stream), new(Processor, processor)]));

    /// <summary>The logger of a part: what <paramref name="log"/> says of itself, and one more value.</summary>
    public static ContextLogger With(ILogger log, string key, string value) => log is ContextLogger context
        ? new ContextLogger(context._inner, new Values([.. context._values, new(key, value)]))
        : new ContextLogger(log, new Values([new(key, value)]));

    /// <summary>
    /// Opens the logger's scope for what the caller runs until it disposes it, the user's code included: entries that a handler writes with
    /// a logger of its own bear the values too, where the provider shows scopes. The scope follows <c>await</c>; dispose it in the method
    /// that opened it. Null for a logger without values.
    /// </summary>
    public static IDisposable? BeginScope(ILogger log)
    {
        if (log is not ContextLogger context)
        {
            return null;
        }

        IDisposable? inner = context._inner.BeginScope(context._values);
        Values? outer = s_current.Value;
        s_current.Value = context._values;
        return new Scope(inner, outer);
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => _inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => _inner.IsEnabled(logLevel);

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!_inner.IsEnabled(logLevel))
        {
            return;
        }

        Entry entry = Entry.Of(_values, state, formatter);
        // what the worker says of a shard belongs to that shard
        Values scope = _values.Has(Shard) || entry.Shard is not { } shard ? _values : new Values([.. _values, new(Shard, shard)]);
        using (ReferenceEquals(s_current.Value, scope) ? null : _inner.BeginScope(scope))
        {
            _inner.Log(logLevel, eventId, entry, exception, static (entry, exception) => entry.Format(exception));
        }
    }

    /// <summary>The values, as state and as scope; a provider that shows scopes as text shows them in one line.</summary>
    private sealed class Values(KeyValuePair<string, object?>[] items) : IReadOnlyList<KeyValuePair<string, object?>>
    {
        private readonly string _text = string.Join(", ", items.Select(static item => $"{item.Key}: {item.Value}"));

        public int Count => items.Length;

        public KeyValuePair<string, object?> this[int index] => items[index];

        public bool Has(string key) => Array.Exists(items, item => item.Key == key);

        public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() =>
            ((IEnumerable<KeyValuePair<string, object?>>)items).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => items.GetEnumerator();

        public override string ToString() => _text;
    }

    /// <summary>
    /// One entry's state: the values that the message does not name itself, then the message's own. The message's template stays last,
    /// where providers look for it.
    /// </summary>
    /// <remarks>
    /// Not generic: <c>Log&lt;TState&gt;</c> that calls <c>Log&lt;Entry&lt;TState&gt;&gt;</c> through the interface is a recursion without
    /// end for the native compiler, which compiles each of them ahead of time.
    /// </remarks>
    private sealed class Entry : IReadOnlyList<KeyValuePair<string, object?>>
    {
        private readonly Func<Exception?, string> _format;
        private readonly KeyValuePair<string, object?>[] _items;

        private Entry(Values values, object? state, Func<Exception?, string> format)
        {
            _format = format;
            KeyValuePair<string, object?>[] own = state is IEnumerable<KeyValuePair<string, object?>> items ? [.. items] : [];
            _items = [.. values.Where(value => !Array.Exists(own, item => item.Key == value.Key)), .. own];
        }

        public int Count => _items.Length;

        /// <summary>The shard that the message names; null where it names none.</summary>
        public object? Shard => Array.Find(_items, static item => item.Key == ContextLogger.Shard).Value;

        public KeyValuePair<string, object?> this[int index] => _items[index];

        public static Entry Of<TState>(Values values, TState state, Func<TState, Exception?, string> formatter) =>
            new(values, state, exception => formatter(state, exception));

        public string Format(Exception? exception) => _format(exception);

        public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() =>
            ((IEnumerable<KeyValuePair<string, object?>>)_items).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => _items.GetEnumerator();

        public override string ToString() => Format(null);
    }

    private sealed class Scope(IDisposable? inner, Values? outer) : IDisposable
    {
        public void Dispose()
        {
            s_current.Value = outer;
            inner?.Dispose();
        }
    }
}
