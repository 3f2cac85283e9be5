using System.Collections.Immutable;
using System.Globalization;
using BenchmarkDotNet.Attributes;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;

namespace FastConsumer.Benchmarks;

/// <summary>
/// What one step of the lease machine costs a worker that owns half of the leases. The state is immutable, so each invocation takes the
/// same step.
/// </summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class LeaseMachineBenchmarks
{
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, Lease> _rows = new(StringComparer.Ordinal);
    private readonly Queue<LeaseCommand> _commands = [];
    private LeaseTableState _state = null!;
    private LeaseTableState _listing = null!;
    private LeaseTableState _sent = null!;
    private LeaseEvent _listed = null!;
    private LeaseEvent _answered = null!;
    private LeaseEvent _wanted = null!;
    private TimeSpan _now;
    private TimeSpan _listAt;
    private TimeSpan _sentAt;

    /// <summary>The leases of the table.</summary>
    [Params(1000, 10_000)]
    public int Leases { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        UInt128 size = UInt128.MaxValue / (UInt128)Leases;
        for (int i = 0; i < Leases; i++)
        {
            var lease = new Lease
            {
                LeaseKey = string.Create(CultureInfo.InvariantCulture, $"shardId-{i:D12}"),
                LeaseOwner = i % 2 == 0 ? null : "other",
                TakenBy = i % 2 == 0 ? null : "other",
                LeaseCounter = 7,
                HashKeyRange = new HashKeyRange(size * (UInt128)i, i == Leases - 1 ? UInt128.MaxValue : (size * (UInt128)(i + 1)) - 1),
            };
            _rows[lease.LeaseKey] = Lease.Read(lease.LeaseKey, lease.ToAttributes());
        }

        _state = LeaseTableState.Create(
            new LeaseTableState.Settings
            {
                WorkerId = "me",
                Session = "process",
                StreamName = "orders",
                LeaseDuration = s_duration,
                CheckpointInterval = TimeSpan.FromHours(1),
                ShardSyncInterval = TimeSpan.FromHours(1),
            },
            DateTimeOffset.UnixEpoch,
            seed: 1,
            _now);
        while (_state.Held < Leases / 2 && _now < s_duration)
        {
            Step(new LeaseEvent.Tick());
            for (; _commands.TryDequeue(out LeaseCommand? command); Answer(command))
            {
            }

            _now += TimeSpan.FromMilliseconds(10);
        }

        if (_state.Held != Leases / 2)
        {
            throw new InvalidOperationException($"{_state.Held} leases are held.");
        }

        SetupSent();
        SetupListing();
        string key = _state.Leases.Values.First(static entry => entry.IsHeld).Key;
        _wanted = new LeaseEvent.CheckpointWanted(key, _state.Leases[key].Own!.Epoch, IsUrgent: false);
    }

    /// <summary>The whole table, in which the other worker has written each of its leases.</summary>
    [Benchmark]
    public int List() => LeaseMachine.Step(_listing, _listed, _listAt).Commands.Length;

    /// <summary>Nothing is due.</summary>
    [Benchmark]
    public int Tick() => LeaseMachine.Step(_state, new LeaseEvent.Tick(), _now).Commands.Length;

    /// <summary>All that is held is looked through, each twentieth of the lease duration.</summary>
    [Benchmark]
    public int Round() => LeaseMachine.Step(_state, new LeaseEvent.Tick(), _state.Table.NextRound).Commands.Length;

    /// <summary>A shard has progress.</summary>
    [Benchmark]
    public int CheckpointWanted() => LeaseMachine.Step(_state, _wanted, _now).Commands.Length;

    /// <summary>A batch of 25 writes was answered.</summary>
    [Benchmark]
    public int Answered() => LeaseMachine.Step(_sent, _answered, _sentAt).Commands.Length;

    /// <summary>When the next turn is due.</summary>
    [Benchmark]
    public TimeSpan NextDeadline() => LeaseMachine.NextDeadline(_state);

    private LeaseTableState Step(LeaseEvent e)
    {
        (_state, ImmutableArray<LeaseCommand> commands) = LeaseMachine.Step(_state, e, _now);
        foreach (LeaseCommand command in commands)
        {
            _commands.Enqueue(command);
        }

        return _state;
    }

    private void Answer(LeaseCommand command)
    {
        switch (command)
        {
            case LeaseCommand.List list:
                Step(new LeaseEvent.TableListed([.. _rows.Values], _now, list.Consistency));
                break;
            case LeaseCommand.WriteOne one:
                Step(new LeaseEvent.Answered(one.Request, [Written(one.Write.Write)]));
                break;
        }
    }

    private LeaseWrite.Result Written(LeaseWrite write)
    {
        Dictionary<string, Lease.Value> attributes = new(_rows[write.LeaseKey].ToAttributes(), StringComparer.Ordinal);
        foreach ((string name, Lease.Value value) in write.Set)
        {
            attributes[name] = value;
        }

        foreach (string name in write.Remove)
        {
            attributes.Remove(name);
        }

        Lease row = Lease.Read(write.LeaseKey, attributes);
        _rows[write.LeaseKey] = row;
        return new LeaseWrite.Result(LeaseWrite.Outcome.Written, row);
    }

    /// <summary>A batch is on its way.</summary>
    private void SetupSent()
    {
        LeaseTableState state = _state;
        foreach (LeaseTableState.Entry entry in state.Leases.Values.Where(static entry => entry.IsHeld).Take(LeaseMachine.BatchSize))
        {
            Step(new LeaseEvent.CheckpointWanted(entry.Key, entry.Own!.Epoch, IsUrgent: false));
        }

        LeaseCommand.Send send = _commands.OfType<LeaseCommand.Send>().Single();
        List<LeaseEvent.Outgoing> writes =
        [
            .. send.Leases.Select(static lease => new LeaseEvent.Outgoing(
                lease.Key, lease.Epoch, LeaseMachine.Renew(lease, new(CheckpointPosition.Parse("42"), null))!)),
        ];
        _sent = Step(new LeaseEvent.Sent(send.Request, writes, _now));
        _sentAt = _now;
        _answered = new LeaseEvent.Answered(
            send.Request, [.. writes.Select(static _ => new LeaseWrite.Result(LeaseWrite.Outcome.Written))]);
        _commands.Clear();
        _state = state;
    }

    /// <summary>A list is under way, and shows another row for each lease of the other worker.</summary>
    private void SetupListing()
    {
        LeaseTableState state = _state;
        TimeSpan now = _now;
        while (_state.Table.ListingSince is null)
        {
            _now += TimeSpan.FromMilliseconds(10);
            Step(new LeaseEvent.Tick());
        }

        _listing = _state;
        _listAt = _now;
        _listed = new LeaseEvent.TableListed(
            [
                .. _rows.Values.Select(static row => row.LeaseOwner == "other"
                    ? Lease.Read(row.LeaseKey, (row with { LeaseCounter = row.LeaseCounter + 1 }).ToAttributes())
                    : row),
            ],
            _now,
            ReadConsistency.Eventual);
        _commands.Clear();
        _state = state;
        _now = now;
    }
}
