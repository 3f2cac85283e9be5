using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace FastConsumer.Testing.Engine;

/// <summary>
/// Kinesis as a state machine (service model 2013-12-02): every operation is a method on plain values. It does no I/O and
/// has neither threads nor timers; what happens follows from the calls, the clock and the seed alone. Calls may come from
/// any thread: streams are locked one by one.
/// </summary>
internal sealed partial class KinesisEngine
{
    private readonly EngineSettings _settings;
    private readonly TokenSeal _seal;
    private readonly Lock _directory = new();
    private readonly SortedDictionary<string, StreamState> _streams = new(StringComparer.Ordinal);
    private readonly Dictionary<long, StreamState> _streamsByNumber = [];
    private long _nextStreamNumber = 1;

    public KinesisEngine(EngineSettings settings)
    {
        _settings = settings;
        _seal = new TokenSeal(new Random(settings.Seed));
    }

    public EngineSettings Settings => _settings;

    private long NowMs() => _settings.Clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static long Milliseconds(TimeSpan span) => (long)span.TotalMilliseconds;

    private string StreamArn(string name) => $"arn:aws:kinesis:{_settings.Region}:{_settings.AccountId}:stream/{name}";

    private string NameOf(StreamReference stream)
    {
        if (stream.Arn is { } arn)
        {
            string name = NameFromArn(arn);
            return stream.Name is null || stream.Name == name
                ? name
                : throw EngineException.InvalidArgument($"StreamName {stream.Name} and StreamARN {arn} name different streams.");
        }

        return stream.Name is null
            ? throw EngineException.InvalidArgument("Either StreamName or StreamARN must be given.")
            : RequestRules.Name(stream.Name, "streamName");
    }

    private string NameFromArn(string arn)
    {
        string[] parts = arn.Split(':', 6);
        if (parts.Length < 6 || parts[0] != "arn" || parts[2] != "kinesis" || !parts[5].StartsWith("stream/", StringComparison.Ordinal))
        {
            throw EngineException.Validation(
                arn, "streamARN", "Member must satisfy regular expression pattern: arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+");
        }

        string name = parts[5]["stream/".Length..];
        return parts[3] == _settings.Region && parts[4] == _settings.AccountId
            ? RequestRules.Name(name, "streamARN")
            : throw EngineException.NotFound($"Stream {name} under account {parts[4]} not found.");
    }

    /// <summary>The stream, locked and settled until the scope is disposed.</summary>
    private StreamScope Enter(StreamReference stream) => Enter(NameOf(stream));

    private StreamScope Enter(string name)
    {
        StreamState? state;
        lock (_directory)
        {
            _streams.TryGetValue(name, out state);
        }

        return TryEnter(state, out StreamScope scope)
            ? scope
            : throw EngineException.NotFound($"Stream {name} under account {_settings.AccountId} not found.");
    }

    private StreamScope Enter(long streamNumber)
    {
        StreamState? state;
        lock (_directory)
        {
            _streamsByNumber.TryGetValue(streamNumber, out state);
        }

        return TryEnter(state, out StreamScope scope)
            ? scope
            : throw EngineException.NotFound(
                $"The stream of the iterator or token under account {_settings.AccountId} not found: it was deleted.");
    }

    private bool TryEnter([NotNullWhen(true)] StreamState? state, out StreamScope scope)
    {
        scope = default;
        if (state is null)
        {
            return false;
        }

        state.Gate.Enter();
        long nowMs = NowMs();
        state.Settle(nowMs);
        scope = new StreamScope(state, nowMs);
        if (!state.IsGone)
        {
            return true;
        }

        scope.Dispose();
        Forget(state);
        return false;
    }

    private void Forget(StreamState state)
    {
        lock (_directory)
        {
            _streamsByNumber.Remove(state.Number);
            if (_streams.TryGetValue(state.Name, out StreamState? current) && current == state)
            {
                _streams.Remove(state.Name);
            }
        }
    }

    private EngineException NotActive(StreamState stream) =>
        EngineException.InUse($"Stream {stream.Name} under account {_settings.AccountId} not ACTIVE, instead in state {stream.Status}");

    private ShardState Shard(StreamState stream, string shardId)
    {
        RequestRules.Name(shardId, "shardId");
        return stream.TryGetShard(shardId, out ShardState? shard)
            ? shard
            : throw EngineException.NotFound($"Shard {shardId} in stream {stream.Name} under account {_settings.AccountId} does not exist");
    }

    private string SealToken(params ReadOnlySpan<string> fields) => _seal.SealFields([.. fields, Invariant(NowMs())]);

    /// <summary>Opens a list token of one kind; its last field is the time it was issued.</summary>
    private string[] OpenToken(string token, string kind, int fieldCount)
    {
        if (!_seal.TryOpenFields(token, fieldCount + 1, out string[]? fields) || fields[0] != kind)
        {
            throw EngineException.InvalidArgument("Invalid NextToken. The token is none of this service, or one of another operation.");
        }

        return NowMs() - ParseInvariant(fields[^1]) > Milliseconds(_settings.TokenLifetime)
            ? throw new EngineException(
                "ExpiredNextTokenException", $"NextToken has expired: it lives {_settings.TokenLifetime.TotalSeconds:0} seconds.")
            : fields;
    }

    private static string Invariant(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static long ParseInvariant(string value) => long.Parse(value, CultureInfo.InvariantCulture);

    private readonly ref struct StreamScope(StreamState stream, long nowMs)
    {
        public StreamState Stream { get; } = stream;

        public long NowMs { get; } = nowMs;

        public void Dispose() => Stream.Gate.Exit();
    }
}
