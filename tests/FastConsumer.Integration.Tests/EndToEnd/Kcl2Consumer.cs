using Amazon.DynamoDBv2;
using FastConsumer.DynamoDb.Tests.Kcl;
using FastConsumer.Kinesis;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>
/// A whole worker of KCL 2.x, by script: it takes what is expired or nobody's up to its share, else steals one lease at a time from whoever
/// has most, reads, checkpoints what it has read, and renews. What it knows of others is the counters and its own clock.
/// </summary>
internal sealed class Kcl2Consumer : IAsyncDisposable
{
    private static readonly TimeSpan s_round = TimeSpan.FromMilliseconds(300);

    private readonly Kcl2Worker _worker;
    private readonly IKinesisClient _kinesis;
    private readonly StreamIdentifier _stream;
    private readonly TimeSpan _failover;
    private readonly Action<string> _see;
    private readonly Dictionary<string, KclLease> _held = [];
    private readonly Dictionary<string, (long Counter, long Since)> _seen = [];
    private readonly Random _random = new(1);
    private readonly CancellationTokenSource _death = new();
    private readonly Task _run;
    private long _took;

    public Kcl2Consumer(
        AmazonDynamoDBClient tables, IKinesisClient kinesis, string stream, string name, TimeSpan failover, Action<string> see)
    {
        _worker = new Kcl2Worker(tables, stream, name);
        _kinesis = kinesis;
        _stream = StreamIdentifier.Parse(stream);
        _failover = failover;
        _see = see;
        _run = Task.Run(RunAsync);
    }

    /// <summary>Records that it has read.</summary>
    public int Count { get; private set; }

    /// <summary>The process dies: nothing is released.</summary>
    public async Task DieAsync()
    {
        await _death.CancelAsync();
        await _run;
    }

    public async ValueTask DisposeAsync()
    {
        await DieAsync();
        _death.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_death.IsCancellationRequested)
        {
            if (_took == 0 || TimeProvider.System.GetElapsedTime(_took) > _failover / 3)
            {
                await TakeAsync();
                _took = TimeProvider.System.GetTimestamp();
            }

            foreach (var lease in _held.Values.ToList())
                await WorkAsync(lease);

            await Task.Delay(s_round, TimeProvider.System, _death.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task TakeAsync()
    {
        IReadOnlyList<KclLease> all = [.. (await _worker.ListAsync()).Where(static lease => lease.Checkpoint != "SHARD_END")];
        foreach (var lease in all)
        {
            if (!_seen.TryGetValue(lease.Key, out var seen) || seen.Counter != lease.Counter)
                _seen[lease.Key] = (lease.Counter, TimeProvider.System.GetTimestamp());
        }

        var expired = all.Where(lease => lease.Owner is null
            || (lease.Owner != _worker.Name && TimeProvider.System.GetElapsedTime(_seen[lease.Key].Since) > _failover)).ToList();
        var loads = all.Except(expired).GroupBy(static lease => lease.Owner!)
            .ToDictionary(static owned => owned.Key, static owned => owned.ToArray());
        var mine = loads.TryGetValue(_worker.Name, out var own) ? own.Length : 0;
        var workers = loads.Keys.Append(_worker.Name).Distinct().Count();
        var target = (all.Count + workers - 1) / workers;
        foreach (var lease in expired.Take(target - mine))
            await TakeAsync(lease);

        var most = loads.Where(pair => pair.Key != _worker.Name).OrderByDescending(static pair => pair.Value.Length).FirstOrDefault().Value;
        if (expired.Count == 0 && mine < target && most?.Length > target)
            await TakeAsync(most[_random.Next(most.Length)]);
    }

    private async Task TakeAsync(KclLease seen)
    {
        if (await _worker.TakeAsync(seen) is { } taken)
            _held[taken.Key] = taken;
    }

    private async Task WorkAsync(KclLease lease)
    {
        var position = lease.Checkpoint == "TRIM_HORIZON"
            ? StartingPosition.TrimHorizon
            : StartingPosition.After(SequenceNumber.Parse(lease.Checkpoint));
        var iterator = await _kinesis.GetShardIteratorAsync(_stream, lease.Key, position);
        using var page = await _kinesis.GetRecordsAsync(_stream, iterator);
        for (var i = 0; i < page.Count; i++)
            _see(System.Text.Encoding.UTF8.GetString(page.GetRecord(i).DataSpan));

        Count += page.Count;
        var next = page.Count == 0
            ? await _worker.RenewAsync(lease)
            : await _worker.CheckpointAsync(lease, page.GetRecord(page.Count - 1).SequenceNumber.ToString(), 0);
        if (next is null)
            _held.Remove(lease.Key);
        else
            _held[lease.Key] = next;
    }
}
