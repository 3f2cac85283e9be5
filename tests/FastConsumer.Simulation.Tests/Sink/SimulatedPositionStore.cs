using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.Sink;

/// <summary>What goes wrong between workers and the sink.</summary>
internal sealed record SinkSettings
{
    public required int Seed { get; init; }

    public required double LostRequests { get; init; }

    public required double LostAnswers { get; init; }

    /// <summary>The part of commits that are served only after their worker has given up waiting.</summary>
    public required double HeldUp { get; init; }

    /// <summary>How long it is from one time in which the sink refuses connections to the next; zero for none.</summary>
    public TimeSpan DownEvery { get; init; }

    /// <summary>How long it refuses them.</summary>
    public TimeSpan DownFor { get; init; }

    /// <summary>The most values that a transaction takes.</summary>
    public int MaxOutputs { get; init; } = int.MaxValue;
}

/// <summary>Where a store of positions is: a worker's, in a world with a sink.</summary>
internal sealed record SinkPlace(
    SimulatedCluster Cluster, SimulatedWorker Worker, SimulatedSink Sink, SinkSettings Settings, Func<bool> IsQuiet, Random Random)
{
    /// <summary>Told when the link went wrong, where checkpoints wait for what is written.</summary>
    public Action? Troubled { get; init; }
}

/// <summary>The sink as one worker reaches it, over a link that loses requests and answers, and holds commits up.</summary>
internal class SimulatedPositionStore : IPositionStore<SinkTransaction>
{
    private static readonly TimeSpan s_lockPoll = TimeSpan.FromMilliseconds(50);

    private readonly SinkPlace _place;
    private readonly SimulatedLink _link;

    public SimulatedPositionStore(SinkPlace place)
    {
        _place = place;
        _link = new SimulatedLink(place.Cluster.Loop, place.Worker.Process, "sink", place.Random)
        {
            Patience = TimeSpan.FromSeconds(2),
            Troubled = place.Troubled,
        };
    }

    public string Name => "simulated";

    public string Description => "the simulated sink";

    public int MaxOutputs => _place.Settings.MaxOutputs;

    protected SimulatedSink Sink => _place.Sink;

    protected SimulatedCluster Cluster => _place.Cluster;

    private string Worker => _place.Worker.Name;

    private TimeProvider Clock => _place.Worker.Process.Clock;

    public Task PrepareAsync(CancellationToken cancellationToken) => CallAsync("CREATE TABLE", static () => true, cancellationToken);

    public Task<StoredPosition?> ReadAsync(PositionKey key, CancellationToken cancellationToken) =>
        CallAsync("SELECT", () => Sink.Read(key), cancellationToken);

    public Task<IReadOnlyDictionary<PositionKey, StoredPosition>> ListAsync(
        string application, string streamArn, CancellationToken cancellationToken) =>
        throw new NotSupportedException("No operator is here.");

    public virtual async Task<StoredPosition> SetEpochAsync(PositionKey key, long epoch, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await CallAsync("UPSERT", () => Sink.SetEpoch(Worker, key, epoch), cancellationToken) is { } row)
            {
                return row;
            }

            await Task.Delay(s_lockPoll, Clock, cancellationToken);
        }
    }

    public Task<bool> SetAsync(PositionKey key, StoredPosition? former, StoredPosition next, CancellationToken cancellationToken) =>
        throw new NotSupportedException("No operator is here.");

    public Task<SinkTransaction> BeginAsync(CancellationToken cancellationToken) =>
        CallAsync("BEGIN", () => Sink.Begin(Worker), cancellationToken);

    public virtual Task<bool> CommitAsync(
        SinkTransaction transaction,
        PositionKey key,
        StoredPosition former,
        CheckpointPosition position,
        CancellationToken cancellationToken) =>
        CommitAsync(transaction, key, former, row => row with { Position = position }, cancellationToken);

    public virtual Task<bool> CommitAsync(
        SinkTransaction transaction, PositionKey key, StoredPosition former, StoredPosition next, CancellationToken cancellationToken) =>
        CommitAsync(transaction, key, former, _ => next, cancellationToken);

    /// <summary>Writes values of outputs with a transaction.</summary>
    public Task InsertAsync(
        SinkTransaction transaction, ReadOnlyMemory<Positioned<CountedRow>> rows, CancellationToken cancellationToken) => CallAsync(
            "INSERT",
            () =>
            {
                Sink.Insert(transaction, rows.ToArray());
                return true;
            },
            cancellationToken);

    private async Task<bool> CommitAsync(
        SinkTransaction transaction,
        PositionKey key,
        StoredPosition former,
        Func<StoredPosition, StoredPosition> next,
        CancellationToken cancellationToken)
    {
        while (true)
        {
            bool? isUpdated = await CallAsync("UPDATE", () => Sink.Update(transaction, key, former, next), cancellationToken);
            if (isUpdated == false)
            {
                return false;
            }

            if (isUpdated == true)
            {
                break;
            }

            await Task.Delay(s_lockPoll, Clock, cancellationToken);
        }

        await SendCommitAsync(transaction, cancellationToken);
        return true;
    }

    public async ValueTask EndAsync(SinkTransaction transaction)
    {
        try
        {
            await CallAsync("ROLLBACK", () => End(transaction), CancellationToken.None);
        }
        catch (NoAnswerException)
        {
            // the sink ends the session when it has idled for long enough
        }
    }

    private async Task SendCommitAsync(SinkTransaction transaction, CancellationToken cancellationToken)
    {
        if (!_place.IsQuiet() && _place.Random.NextDouble() < _place.Settings.HeldUp)
        {
            Cluster.Loop.At(TimeSpan.FromSeconds(1 + (_place.Random.NextDouble() * 8)), () => CommitLate(transaction));
            await Task.Delay(_link.Patience, Clock, cancellationToken);
            throw new NoAnswerException("The sink did not answer COMMIT.", wasSent: true);
        }

        await CallAsync("COMMIT", () => Committed(transaction), cancellationToken);
    }

    private bool IsDown => !_place.IsQuiet() && _place.Settings.DownEvery > TimeSpan.Zero
        && Cluster.Loop.Now % _place.Settings.DownEvery.Ticks < _place.Settings.DownFor.Ticks;

    private Task<T> CallAsync<T>(string what, Func<T> serve, CancellationToken cancellationToken)
    {
        _link.State = IsDown ? LinkState.Refused : LinkState.Up;
        _link.LostRequests = _place.IsQuiet() ? 0 : _place.Settings.LostRequests;
        _link.LostAnswers = _place.IsQuiet() ? 0 : _place.Settings.LostAnswers;
        return _link.CallAsync(what, serve, cancellationToken);
    }

    private void CommitLate(SinkTransaction transaction)
    {
        try
        {
            Sink.Commit(transaction);
        }
        catch (InvariantViolatedException e)
        {
            Cluster.Loop.Fail(e);
        }
        catch (IOException)
        {
            // its session was ended meanwhile; nobody hears of it
        }
    }

    private bool Committed(SinkTransaction transaction)
    {
        Sink.Commit(transaction);
        return true;
    }

    private bool End(SinkTransaction transaction)
    {
        Sink.Rollback(transaction);
        return true;
    }
}
