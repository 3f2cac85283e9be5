using FastConsumer.Kinesis;

namespace FastConsumer.Cli.Records;

/// <summary>
/// Reads one shard by GetRecords. It takes one of the five calls a second that all readers of the shard have together, and at most half of
/// the bytes, so that consumers are not starved by it.
/// </summary>
internal sealed class PolledTail(IKinesisClient client, StreamTailSettings settings, ShardNode shard, ShardTailOutput output)
{
    private const int MostRecords = 2_000;
    private const double BytesPerSecond = 1024 * 1024;

    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(10);

    /// <summary>So far back the last records are looked for; then from the oldest one on.</summary>
    private static readonly TimeSpan[] s_lookBacks =
    [
        TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(15), TimeSpan.FromHours(3), TimeSpan.FromDays(1), TimeSpan.FromDays(7),
    ];

    private readonly TimeSpan _interval = TimeSpan.FromSeconds(1 / settings.CallsPerSecond);
    private readonly DateTimeOffset _startedAt = settings.Time.GetUtcNow();
    private TimeSpan _pause;
    private long? _calledAt;
    private bool _isThrottleSaid;

    /// <summary>Reads to the end. The shard's children where that was its own end; null where the tip or the time was.</summary>
    public async Task<IReadOnlyList<ChildShard>?> RunAsync(CancellationToken cancellationToken)
    {
        StartingPosition start = shard.IsChild ? settings.Start.OfChildren : settings.Start.Position;
        Answer answer;
        if (settings.Start.Last is { } count && !shard.IsChild)
        {
            answer = await FindLastAsync(count, cancellationToken);
            await output.PassOnAsync(answer.Records, cancellationToken);
        }
        else
        {
            answer = new Answer([], await IteratorAsync(start, cancellationToken), IsAtTip: false, []);
        }

        while (!output.IsOver)
        {
            if (answer.Next is null)
            {
                return answer.Children;
            }

            if (answer.IsAtTip && output.EndsAtTip)
            {
                return null;
            }

            answer = await ReadAsync(answer.Next, start, cancellationToken);
            await output.PassOnAsync(answer.Records, cancellationToken);
        }

        return null;
    }

    /// <summary>The last records up to the tip, and where to go on from there.</summary>
    private async Task<Answer> FindLastAsync(int count, CancellationToken cancellationToken)
    {
        for (int i = 0; ; i++)
        {
            StartingPosition start = i < s_lookBacks.Length
                ? StartingPosition.AtTimestamp(_startedAt - s_lookBacks[i])
                : StartingPosition.TrimHorizon;
            Queue<KinesisRecord> last = new();
            var answer = new Answer([], await IteratorAsync(start, cancellationToken), IsAtTip: false, []);
            while (answer is { Next: { } next, IsAtTip: false } && !output.IsOver)
            {
                answer = await ReadAsync(next, start, cancellationToken);
                foreach (KinesisRecord record in answer.Records)
                {
                    last.Enqueue(record);
                    if (last.Count > count)
                    {
                        last.Dequeue();
                    }
                }
            }

            if (last.Count == count || i == s_lookBacks.Length)
            {
                return answer with { Records = [.. last] };
            }
        }
    }

    private Task<string> IteratorAsync(StartingPosition start, CancellationToken cancellationToken) =>
        client.GetShardIteratorAsync(settings.Stream, shard.ShardId, start, cancellationToken);

    private async Task<Answer> ReadAsync(string iterator, StartingPosition start, CancellationToken cancellationToken)
    {
        while (true)
        {
            await PaceAsync(cancellationToken);
            try
            {
                using GetRecordsResponse answer = await client.GetRecordsAsync(settings.Stream, iterator, MostRecords, cancellationToken);
                // the next one may come when this one's bytes are half of what the shard gives meanwhile
                _pause = Longest(_interval, TimeSpan.FromSeconds(answer.PayloadBytes / BytesPerSecond));
                bool isAtTip = answer.MillisBehindLatest is { } behind ? behind == 0 : answer.Count == 0;
                return new Answer(output.Take(answer), answer.NextShardIterator, isAtTip, answer.ChildShards);
            }
            catch (KinesisException e) when (e.Kind == KinesisErrorKind.Throttled)
            {
                _pause = _pause * 2 > s_longestPause ? s_longestPause : Longest(_pause * 2, _interval);
                if (!_isThrottleSaid)
                {
                    _isThrottleSaid = true;
                    settings.Note($"{shard.ShardId}: other readers take the shard's quota; it is read more slowly. {e.Message}");
                }
            }
            catch (KinesisException e) when (e.Kind == KinesisErrorKind.ExpiredIterator)
            {
                iterator = await IteratorAsync(
                    output.Last is { } last ? StartingPosition.After(last)
                        : start.Type == ShardIteratorType.Latest ? StartingPosition.AtTimestamp(_startedAt)
                        : start,
                    cancellationToken);
            }
        }
    }

    private async Task PaceAsync(CancellationToken cancellationToken)
    {
        if (_calledAt is { } before && settings.Time.GetElapsedTime(before) is var since && since < _pause)
        {
            await Task.Delay(_pause - since, settings.Time, cancellationToken);
        }

        _calledAt = settings.Time.GetTimestamp();
    }

    private static TimeSpan Longest(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private sealed record Answer(IReadOnlyList<KinesisRecord> Records, string? Next, bool IsAtTip, IReadOnlyList<ChildShard> Children);
}
