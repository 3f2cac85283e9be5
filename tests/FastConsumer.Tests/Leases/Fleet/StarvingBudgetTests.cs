using FastConsumer.Kinesis;
using FastConsumer.Leases.Core;
using FastConsumer.Leases.Loop;
using FastConsumer.Testing.Leases;
using FastConsumer.Tests.Reading;

namespace FastConsumer.Tests.Leases.Fleet;

/// <summary>
/// A thousand leases of 60 s on a table of 50 write units a second, each with news every 5 s and some with somebody waiting all the time:
/// four times as many writes as the table takes.
/// </summary>
public sealed class StarvingBudgetTests(ITestOutputHelper output)
{
    private const int Leases = 1000;
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(50.0, 0)]
    [InlineData(50.0, 100)]
    [InlineData(50.0, 1000)]
    [InlineData(null, 0)]
    [InlineData(null, 100)]
    [InlineData(null, 1000)]
    public void No_lease_is_lost_and_checkpoints_stay_young(double? given, int hasty)
    {
        var time = new VirtualTime();
        var costs = new LeaseCosts { WriteUnits = 50, IsSilent = given is null };
        var store = new MeteredLeases(new InMemoryLeaseDatabase(), time.Clock, costs);
        using var kinesis = new StandingKinesis { Shards = static () => [.. Enumerable.Range(0, Leases).Select(ShardAt)] };
        Dictionary<string, TimeSpan> written = [];
        HashSet<string> lost = [];
        LeaseLoop? loop = null;
        var client = new LeaseTableClient(store, kinesis, StreamIdentifier.Parse("events"), s_duration, time.Clock, time)
        {
            Post = e => loop!.Post(e),
            // there is always something new
            ProgressOf = (_, _) => new(CheckpointPosition.At(SequenceNumber.Parse($"{time.Now.Ticks + 1}")), null),
            Failed = static (_, _) => { },
        };
        var settings = new LeaseTableState.Settings
        {
            WorkerId = "me",
            Session = "process",
            StreamName = "events",
            LeaseDuration = s_duration,
            CheckpointInterval = TimeSpan.FromSeconds(5),
            ShardSyncInterval = TimeSpan.FromSeconds(30),
            TableWriteUnits = given,
        };
        loop = new LeaseLoop(LeaseTableState.Create(settings, DateTimeOffset.UnixEpoch, 1, time.Now), time.Clock, Execute);
        loop.Start(time, "leases");

        time.Run(TimeSpan.FromSeconds(400), () => written.Count == Leases);
        TimeSpan settled = time.Now;
        Assert.Equal(Leases, written.Count);
        TimeSpan oldest = TimeSpan.Zero;
        long writes = costs.Writes;
        long throttled = costs.ThrottledWrites;
        time.Run(settled + TimeSpan.FromSeconds(400), () =>
        {
            TimeSpan age = time.Now - written.Values.Min();
            oldest = age > oldest ? age : oldest;
            return false;
        });
        output.WriteLine(
            $"budget {given?.ToString() ?? "not given"}, {hasty} hasty: all held after {settled.TotalSeconds:F0} s; "
                + $"oldest checkpoint {oldest.TotalSeconds:F1} s, {(costs.Writes - writes) / 400.0:F1} writes/s, "
                + $"{(costs.ThrottledWrites - throttled) / 400.0:F1} throttled/s, {lost.Count} lost");
        loop.Abandon();

        Assert.Empty(lost);
        // a limit that is not known is found by meeting it, which takes its time
        Assert.InRange(oldest.TotalSeconds, 1, given is null ? 90 : 60);

        void Execute(LeaseCommand command)
        {
            switch (command)
            {
                case LeaseCommand.Start start:
                    written[start.Key] = time.Now;
                    Want(start.Key, start.Epoch);
                    break;
                case LeaseCommand.Wrote wrote:
                    if (wrote.Position is not null)
                    {
                        written[wrote.Key] = wrote.RenewedAt;
                    }

                    Want(wrote.Key, wrote.Epoch);
                    break;
                case LeaseCommand.Lose lose:
                    lost.Add(lose.Key);
                    break;
                case LeaseCommand.ToRun or LeaseCommand.Tell:
                    break;
                default:
                    client.Execute(command);
                    break;
            }
        }

        void Want(string key, long epoch)
        {
            if (int.Parse(key[^4..], System.Globalization.CultureInfo.InvariantCulture) < hasty)
            {
                loop!.Post(new LeaseEvent.CheckpointWanted(key, epoch, IsUrgent: true));
            }
        }
    }

    private static Shard ShardAt(int i)
    {
        UInt128 size = UInt128.MaxValue / Leases;
        return new Shard
        {
            ShardId = $"shardId-{i:D12}",
            HashKeyRange = new HashKeyRange((UInt128)i * size, i == Leases - 1 ? UInt128.MaxValue : ((UInt128)(i + 1) * size) - 1),
            StartingSequenceNumber = SequenceNumber.Parse("1"),
        };
    }

    private sealed class StandingKinesis : FakeKinesis
    {
        public override Task<StreamDescriptionSummary> DescribeStreamSummaryAsync(
            StreamIdentifier stream, CancellationToken cancellationToken = default) => Task.FromResult(new StreamDescriptionSummary
            {
                StreamName = "events",
                StreamARN = "arn:aws:kinesis:us-east-1:000000000000:stream/events",
                StreamStatus = "ACTIVE",
                OpenShardCount = Leases,
                RetentionPeriodHours = 24,
                StreamCreationTimestamp = DateTimeOffset.UnixEpoch,
            });
    }
}
