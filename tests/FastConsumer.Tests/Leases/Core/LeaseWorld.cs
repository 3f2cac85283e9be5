using System.Collections.Immutable;
using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;

namespace FastConsumer.Tests.Leases.Core;

/// <summary>
/// Some workers and a table as pure data: each worker is a <see cref="LeaseTableState"/>, what is under way is a queue. It can be copied,
/// so that many futures of one moment are tried, and it holds the invariants against the table, which no worker sees as it is.
/// </summary>
internal sealed partial class LeaseWorld
{
    /// <summary>From a command to its effect on the table, and from there to the answer.</summary>
    public static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(5);

    private readonly List<Worker> _workers;
    private readonly List<Item> _queue;
    private readonly List<(TimeSpan At, ImmutableSortedDictionary<string, Lease> Rows)> _history;
    private readonly Dictionary<(int Worker, string Key, long Counter), ImmutableList<SentWrite>> _sent;
    private readonly Dictionary<string, TimeSpan> _stuckUntil;
    private ImmutableSortedDictionary<string, Lease> _rows;
    private ImmutableArray<Shard> _shards = [];
    private ImmutableHashSet<string> _deleted = [];
    private long _sequence;

    public LeaseWorld()
    {
        _workers = [];
        _queue = [];
        _history = [];
        _sent = [];
        _stuckUntil = new(StringComparer.Ordinal);
        _rows = ImmutableSortedDictionary.Create<string, Lease>(StringComparer.Ordinal);
        StreamCreatedAt = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    }

    private LeaseWorld(LeaseWorld other)
    {
        _workers = [.. other._workers.Select(static worker => worker.Copy())];
        _queue = [.. other._queue];
        _history = [.. other._history];
        _sent = new(other._sent);
        _stuckUntil = new(other._stuckUntil, StringComparer.Ordinal);
        _rows = other._rows;
        _shards = other._shards;
        _deleted = other._deleted;
        _sequence = other._sequence;
        Now = other.Now;
        StreamCreatedAt = other.StreamCreatedAt;
        Trace = other.Trace is null ? null : [.. other.Trace];
        Lengths = other.Lengths;
        DrainTime = other.DrainTime;
    }

    /// <summary>What becomes of a request to the table.</summary>
    public enum Fault
    {
        None,

        /// <summary>It never reaches the table, and nobody answers.</summary>
        LoseRequest,

        /// <summary>It takes effect, and nobody answers.</summary>
        LoseAnswer,

        /// <summary>It takes effect long after it was sent, when nobody waits for it any more.</summary>
        Delay,

        /// <summary>It takes effect at once, and its answer comes just before nobody waits for it any more.</summary>
        LateAnswer,

        /// <summary>The table throttles it; a list shows the table as it was a while ago.</summary>
        ThrottleOrLag,
    }

    public TimeSpan Now { get; set; }

    public DateTimeOffset StreamCreatedAt { get; set; }

    public IReadOnlyList<Worker> Workers => _workers;

    public ImmutableSortedDictionary<string, Lease> Rows => _rows;

    /// <summary>What happened, where somebody wants to read it.</summary>
    public List<string>? Trace { get; set; }

    /// <summary>What was sent to the table, beside creations, where somebody wants to look at it.</summary>
    public List<LeaseWrite>? Writes { get; set; }

    /// <summary>Requests to the table so far: each may be the one that <see cref="FaultAt"/> names.</summary>
    public int Requests { get; set; }

    /// <summary>The number of the request that goes wrong, and how.</summary>
    public (int Request, Fault Fault)? FaultAt { get; set; }

    /// <summary>True where commands that are handed out at the same time are carried out in the reverse order.</summary>
    public bool Reverse { get; set; }

    /// <summary>Decides what becomes of each request; for scenarios.</summary>
    public Func<int, LeaseCommand, Fault>? Decide { get; set; }

    public LeaseWorld Copy() => new(this);

    public Worker Add(LeaseTableState.Settings settings, ulong seed = 1)
    {
        var worker = new Worker(_workers.Count, LeaseTableState.Create(settings, StreamCreatedAt, seed, Now));
        _workers.Add(worker);
        return worker;
    }

    public void SetShards(params Shard[] shards) => _shards = [.. shards];

    public void Put(Lease row) => Store(Lease.Read(row.LeaseKey, row.ToAttributes()));

    public void Remove(string key) => _rows = _rows.Remove(key);

    /// <summary>Somebody deletes a row by hand.</summary>
    public void DeleteByHand(string key)
    {
        ForgetBeliefs(key);
        Remove(key);
    }

    /// <summary>The worker that believes to hold a lease, by its own clock and the last write that took effect.</summary>
    public IEnumerable<Worker> BelieversOf(string key) => _workers.Where(worker => worker.Believes(key, Now));

    /// <summary>Something happens to a worker.</summary>
    public void Post(int worker, LeaseEvent e) => Schedule(Now, new Deliver(worker, e));

    /// <summary>Goes on until then.</summary>
    public void RunUntil(TimeSpan end)
    {
        while (true)
        {
            Item? item = Reverse ? Latest() : _queue.Count > 0 ? _queue[0] : null;
            TimeSpan at = item?.At ?? TimeSpan.MaxValue;
            Worker? due = null;
            foreach (Worker worker in _workers.Where(static worker => worker is { IsAlive: true, IsPaused: false }))
            {
                TimeSpan deadline = LeaseMachine.NextDeadline(worker.State);
                deadline = deadline < Now ? Now : deadline;
                if (deadline < at)
                {
                    (at, due) = (deadline, worker);
                }
            }

            if (at > end)
            {
                Now = end;
                return;
            }

            Now = at > Now ? at : Now;
            if (due is not null)
            {
                Step(due, new LeaseEvent.Tick());
            }
            else
            {
                _queue.Remove(item!);
                Do(item!);
            }

            CheckBeliefs();
        }
    }

    public void RunFor(TimeSpan time) => RunUntil(Now + time);

    public void Pause(int worker, TimeSpan? time = null)
    {
        _workers[worker].IsPaused = true;
        _workers[worker].ResumeAt = Now + time;
    }

    public void Resume(int worker)
    {
        Worker resumed = _workers[worker];
        if (!resumed.IsPaused)
        {
            return;
        }

        resumed.IsPaused = false;
        resumed.ResumeAt = null;
        foreach (LeaseEvent e in resumed.Mailbox)
        {
            Step(resumed, e);
        }

        resumed.Mailbox.Clear();
        Step(resumed, new LeaseEvent.Tick());
        CheckBeliefs();
    }

    public void Crash(int worker)
    {
        _workers[worker].IsAlive = false;
        _workers[worker].Runs.Clear();
    }

    /// <summary>Somebody takes a lease as KCL 2.x does: without asking.</summary>
    public void Steal(string key, string by)
    {
        if (_rows.TryGetValue(key, out Lease? row) && !row.IsFinished)
        {
            ForgetBeliefs(key);
            Store(Changed(row, new(StringComparer.Ordinal)
            {
                [Lease.Names.LeaseOwner] = by,
                [Lease.Names.LeaseCounter] = row.LeaseCounter + 1,
            }));
        }
    }

    /// <summary>The same, and it moves the position: what the row says of a state does not belong to it any more.</summary>
    public void Move(string key, string by)
    {
        Steal(key, by);
        if (_rows.TryGetValue(key, out Lease? row) && !row.IsFinished)
        {
            Store(Changed(row, new(StringComparer.Ordinal)
            {
                [Lease.Names.Checkpoint] = (NumberOf(row.Checkpoint) + 1).ToString(CultureInfo.InvariantCulture),
                [Lease.Names.LeaseCounter] = row.LeaseCounter + 1,
            }));
        }
    }

    /// <summary>Somebody sets a row back by hand, with the counter that its owner would write next.</summary>
    public void Reset(string key)
    {
        if (_rows.TryGetValue(key, out Lease? row) && !row.IsFinished && row.LeaseOwner is not null)
        {
            ForgetBeliefs(key);
            Store(Changed(row, new(StringComparer.Ordinal)
            {
                [Lease.Names.Checkpoint] = "TRIM_HORIZON",
                [Lease.Names.CheckpointSubSequenceNumber] = 0,
                [Lease.Names.LeaseCounter] = row.LeaseCounter + 1,
            }));
        }
    }

    /// <summary>The table takes no write of one row for a while.</summary>
    public void Stick(string key, TimeSpan time) => _stuckUntil[key] = Now + time;

    public static Lease Changed(Lease row, Dictionary<string, Lease.Value> set, params string[] remove)
    {
        Dictionary<string, Lease.Value> attributes = new(row.Attributes, StringComparer.Ordinal);
        foreach ((string name, Lease.Value value) in set)
        {
            attributes[name] = value;
        }

        foreach (string name in remove)
        {
            attributes.Remove(name);
        }

        return Lease.Read(row.LeaseKey, attributes);
    }

    private Item? Latest()
    {
        // of what is due first, what was handed out last
        Item? latest = _queue.Count > 0 ? _queue[0] : null;
        foreach (Item item in _queue)
        {
            latest = item.At == _queue[0].At && item is not Deliver ? item : latest;
        }

        return latest;
    }

    private void Schedule(TimeSpan at, Item item)
    {
        item = item with { At = at, Order = _sequence++ };
        int index = _queue.FindIndex(other => other.At > at);
        _queue.Insert(index < 0 ? _queue.Count : index, item);
    }

    private void Step(Worker worker, LeaseEvent e)
    {
        if (!worker.IsAlive)
        {
            return;
        }

        if (worker.IsPaused)
        {
            worker.Mailbox.Add(e);
            return;
        }

        Trace?.Add(string.Create(CultureInfo.InvariantCulture, $"{Now.TotalSeconds:0.000} {worker.Name} < {Text(e)}"));
        (worker.State, ImmutableArray<LeaseCommand> commands) = LeaseMachine.Step(worker.State, e, Now);
        foreach (LeaseCommand command in commands)
        {
            Trace?.Add(string.Create(CultureInfo.InvariantCulture, $"{Now.TotalSeconds:0.000} {worker.Name} > {Text(command)}"));
            Execute(worker, command);
        }
    }

    /// <summary>One thing that is under way.</summary>
    public abstract record Item(int Worker)
    {
        public TimeSpan At { get; init; }

        public long Order { get; init; }
    }

    /// <summary>A request reaches the table.</summary>
    public sealed record Reach(int Worker, LeaseCommand Command, IReadOnlyList<LeaseEvent.Outgoing>? Writes, TimeSpan Begun,
        bool IsAnswered, bool Lags)
        : Item(Worker)
    {
        public TimeSpan AnswersAfter { get; init; } = Latency;
    }

    /// <summary>What was sent of a lease that is held, on one counter.</summary>
    public sealed record SentWrite(TimeSpan At, CheckpointPosition? Position, string? Snapshot);

    /// <summary>A worker is told something.</summary>
    public sealed record Deliver(int Worker, LeaseEvent Event) : Item(Worker);

    /// <summary>A run is over: nothing touches its shard any more.</summary>
    public sealed record RunEnds(int Worker, string Key, long Epoch) : Item(Worker);

    /// <summary>One worker.</summary>
    public sealed class Worker(int index, LeaseTableState state)
    {
        public int Index { get; } = index;

        public LeaseTableState State { get; set; } = state;

        public bool IsAlive { get; set; } = true;

        public bool IsPaused { get; set; }

        /// <summary>When it goes on, where it stands still.</summary>
        public TimeSpan? ResumeAt { get; set; }

        public bool HasStopped { get; set; }

        public List<LeaseEvent> Mailbox { get; } = [];

        public Dictionary<string, Run> Runs { get; init; } = new(StringComparer.Ordinal);

        /// <summary>Requests that nobody waits for any more.</summary>
        public HashSet<long> Abandoned { get; init; } = [];

        /// <summary>What was told, as far as a test asks for it.</summary>
        public List<LeaseCommand.Tell> Told { get; init; } = [];

        public string Name => State.Configuration.Session;

        public string Id => State.Configuration.WorkerId;

        public bool Believes(string key, TimeSpan now) => IsAlive && Runs.TryGetValue(key, out Run? run)
            && run is { IsLost: false, IsOver: false } && now < run.HeldUntil;

        public Worker Copy() => new Worker(Index, State)
        {
            IsAlive = IsAlive,
            IsPaused = IsPaused,
            ResumeAt = ResumeAt,
            HasStopped = HasStopped,
            Runs = new(Runs, StringComparer.Ordinal),
            Abandoned = [.. Abandoned],
            Told = [],
        }.With(Mailbox);

        private Worker With(List<LeaseEvent> mailbox)
        {
            Mailbox.AddRange(mailbox);
            return this;
        }
    }

    /// <summary>What runs of one lease.</summary>
    /// <param name="Epoch">Which run.</param>
    /// <param name="Session">The row's session as taken.</param>
    /// <param name="From">Where it began.</param>
    /// <param name="Began">When it began.</param>
    /// <param name="HeldUntil">When nothing further may begin.</param>
    /// <param name="IsStopping">True where it was told to drain.</param>
    /// <param name="IsLost">True where it was told that it is lost, or somebody has taken it by force.</param>
    /// <param name="IsOver">True where it was told to finish.</param>
    public sealed record Run(long Epoch, string? Session, CheckpointPosition From, TimeSpan Began, TimeSpan HeldUntil,
        bool IsStopping = false, bool IsLost = false, bool IsOver = false)
    {
        /// <summary>Done so far: one record each second, while it runs.</summary>
        public long Done { get; init; }

        public TimeSpan DoneAt { get; init; } = Began;

        /// <summary>The shard's end was reached.</summary>
        public bool HasEnded { get; init; }

        /// <summary>The lineage and life of its row as taken.</summary>
        public string? Lineage { get; init; }

        /// <summary>What the row says of its state is not what belongs to its position: nothing is done.</summary>
        public bool IsUnfit { get; init; }
    }

    /// <summary>An invariant does not hold.</summary>
    public sealed class BrokenException(string message) : Exception(message);
}
