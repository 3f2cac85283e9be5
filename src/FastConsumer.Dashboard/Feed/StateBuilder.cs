using System.Text.Json;
using FastConsumer.Dashboard.Model;
using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using FastConsumer.Monitoring;

namespace FastConsumer.Dashboard.Feed;

/// <summary>Makes the state of views of workers.</summary>
internal sealed class StateBuilder(FastConsumerDashboardOptions options)
{
    /// <summary>The most hand-overs that a page shows.</summary>
    private const int ShownHandOvers = 50;

    /// <summary>The state as JSON.</summary>
    /// <param name="consumers">The host's consumers.</param>
    /// <param name="books">What was noted of a worker.</param>
    /// <param name="now">The time.</param>
    public byte[] State(IReadOnlyList<DashboardConsumer> consumers, Func<StreamWorker, WorkerBook> books, DateTimeOffset now) =>
        JsonSerializer.SerializeToUtf8Bytes(
            new DashboardState(now, [.. consumers.Select(consumer => StateOf(consumer, books, now))]),
            DashboardJson.Default.DashboardState);

    private ConsumerState StateOf(DashboardConsumer consumer, Func<StreamWorker, WorkerBook> books, DateTimeOffset now)
    {
        IReadOnlyList<StreamWorker> workers = consumer.Service.Workers;
        return new ConsumerState
        {
            Name = consumer.Name,
            Findings = [.. consumer.Service.GetSnapshot().Findings.Select(StateOf)],
            Workers = [.. workers.Select(worker => StateOf(WorkerView.Of(worker, now), books(worker)))],
            // before the start it would be made too early
            DeadLetters = workers.Count == 0 ? null : consumer.DeadLetters,
        };
    }

    private FindingState StateOf(Finding finding) => new(
        finding.Id,
        finding.Title,
        finding.Severity.ToString(),
        finding.Scope,
        finding.Message,
        finding.Remedy,
        finding.Since,
        finding.Episodes,
        [.. finding.Figures.Where(static figure => double.IsFinite(figure.Value))
            .Select(static figure => new FigureState(figure.Name, figure.Value, figure.Unit))],
        options.DocumentationUrl is { } docs && IsOfWeb(docs) ? new Uri(docs, finding.Page).AbsoluteUri : null,
        finding.Id == FindingRules.RecordsLost.Id);

    private WorkerState StateOf(WorkerView view, WorkerBook book)
    {
        WorkerSnapshot snapshot = view.Snapshot;
        List<OwnerState> owners = OwnersOf(view);
        Dictionary<string, int> places = owners.Select(static (owner, place) => (owner.Id, place))
            .ToDictionary(static owner => owner.Id, static owner => owner.place, StringComparer.Ordinal);
        return new WorkerState
        {
            Processor = snapshot.ProcessorName,
            Application = snapshot.ApplicationName,
            Stream = snapshot.StreamName,
            WorkerId = snapshot.WorkerId,
            Table = view.Worker.LeaseTable,
            ListedAgo = ShardRows.Seconds(view.ListedAgo),
            IsAlive = view.Worker.IsAlive,
            IsReady = view.Worker.IsReady,
            IsDraining = view.Worker.IsDraining,
            Retention = ShardRows.Seconds(snapshot.Retention),
            LossIn = ShardRows.Seconds(snapshot.LossIn),
            Unread = snapshot.UnreadShards,
            SinceRenewal = ShardRows.Seconds(snapshot.LongestSinceRenewal)!.Value,
            BufferUsed = snapshot.BufferUsed,
            BufferLimit = snapshot.BufferLimit,
            TableUse = snapshot.LeaseTable is { } table ? UseOf(table, book.TableUse) : null,
            Owners = owners,
            Shards = [.. view.Shards.Select(shard => ShardRows.Of(shard, PlaceOf(shard.Owner), book.TimeOf(shard.Row.ShardId)))],
            HandOvers = [.. book.HandOvers.Reverse().Take(ShownHandOvers)
                .Select(static handOver => new HandOverState(handOver.At, handOver.Shard, handOver.From, handOver.To))],
        };

        int? PlaceOf(string? owner) => owner is not null && places.TryGetValue(owner, out int place) ? place : null;
    }

    private static TableState UseOf(LeaseTableCounts table, (double Writes, double Reads)? use) => new(
        table.Requests,
        table.WriteUnits,
        table.ReadUnits,
        table.Throttled,
        ShardRows.Rounded(use?.Writes),
        ShardRows.Rounded(use?.Reads));

    /// <summary>The workers of the fleet, this one first. One that holds nothing is in no row, except for this one.</summary>
    private List<OwnerState> OwnersOf(WorkerView view)
    {
        string me = view.Snapshot.WorkerId;
        List<OwnerState> owners =
        [
            .. view.Shards.Where(static shard => shard.Owner is not null && shard.Status != FleetShardStatus.Finished)
                .GroupBy(static shard => shard.Owner!, StringComparer.Ordinal)
                .Select(owned => OwnerOf(owned.Key, owned.Key == me, [.. owned])),
        ];
        if (!owners.Exists(static owner => owner.IsMe))
        {
            owners.Add(OwnerOf(me, isMe: true, []));
        }

        return [.. owners.OrderByDescending(static owner => owner.IsMe).ThenBy(static owner => owner.Id, StringComparer.Ordinal)];
    }

    private OwnerState OwnerOf(string id, bool isMe, IReadOnlyList<ShardView> shards)
    {
        Uri? url = isMe ? null : options.WorkerUrl(id);
        return new OwnerState
        {
            Id = id,
            IsMe = isMe,
            IsKcl = shards.Count > 0 && shards.All(static shard => shard.Row.IsKcl && !shard.IsMine),
            Shards = shards.Count,
            Lag = ShardRows.Seconds(shards.Max(static shard => shard.Lag)),
            LossIn = ShardRows.Seconds(shards.Min(static shard => shard.Report?.LossIn)),
            Records = Sum(shards, static shard => shard.RecordsPerSecond),
            Bytes = Sum(shards, static shard => shard.RecordsPerSecond is null ? null : shard.Report!.BytesPerSecond),
            ReportAge = ShardRows.Seconds(shards.Min(static shard => shard.ReportAge)),
            // anything else than a web page, such as a script, is no link
            Url = url is not null && IsOfWeb(url) ? url.AbsoluteUri : null,
        };
    }

    private static double? Sum(IReadOnlyList<ShardView> shards, Func<ShardView, double?> figure) =>
        shards.Any(shard => figure(shard) is not null) ? ShardRows.Rounded(shards.Sum(shard => figure(shard) ?? 0)) : null;

    private static bool IsOfWeb(Uri url) => url.IsAbsoluteUri && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps);
}
