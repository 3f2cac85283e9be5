using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using FastConsumer.Kinesis;
using FastConsumer.Reading;

namespace FastConsumer.Cli.Records;

/// <summary>What is read of a stream.</summary>
internal sealed record StreamTailSettings
{
    public required StreamIdentifier Stream { get; init; }

    public required ReadStart Start { get; init; }

    /// <summary>The one shard; null for all.</summary>
    public string? ShardId { get; init; }

    /// <summary>Records that came later are not read; null for no end.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>True where a shard's newest record is its end.</summary>
    public bool EndsAtTip { get; init; }

    /// <summary>The most calls of a shard.</summary>
    public required double CallsPerSecond { get; init; }

    /// <summary>The registered consumer to read by; null where shards are polled.</summary>
    public string? ConsumerArn { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>Takes what is to be said meanwhile.</summary>
    public required Action<string> Note { get; init; }
}

/// <summary>Records of one shard, in their order, in memory of their own.</summary>
internal sealed record TailPage(string ShardId, IReadOnlyList<KinesisRecord> Records);

/// <summary>Reads a stream's shards beside each other, parents before children.</summary>
internal sealed class StreamTail(IKinesisClient client, StreamTailSettings settings)
{
    private const int PagesAhead = 4;

    /// <summary>The pages of all shards, as they come. Ends where all shards have ended.</summary>
    /// <exception cref="ToolException">There is no such shard.</exception>
    public async IAsyncEnumerable<TailPage> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ShardTree tree = await PlanAsync(cancellationToken);
        if (settings.ConsumerArn is null)
        {
            string rate = settings.CallsPerSecond.ToString(CultureInfo.InvariantCulture);
            settings.Note(
                $"Reads {settings.Stream.Name} by at most {rate} {(rate == "1" ? "call" : "calls")} a second of each shard, of the 5 "
                    + "that all "
                    + "its readers have together.");
        }
        else
        {
            settings.Note($"Reads by {settings.ConsumerArn}: an application that reads by this consumer loses its subscriptions "
                + "meanwhile.");
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Channel<TailPage> pages = Channel.CreateBounded<TailPage>(PagesAhead);
        Task reading = ReadAllAsync(tree, pages.Writer, end.Token);
        try
        {
            await foreach (TailPage page in pages.Reader.ReadAllAsync(cancellationToken))
            {
                yield return page;
            }
        }
        finally
        {
            await end.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<ShardTree> PlanAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<Shard> shards = (await ShardListing.ListAllAsync(client, settings.Stream, cancellationToken)).Shards;
        if (settings.ShardId is not { } shardId)
        {
            return new ShardTree(shards.Where(shard => !settings.Start.IsOfOpenShards || shard.EndingSequenceNumber is null));
        }

        Shard shard = shards.FirstOrDefault(shard => shard.ShardId == shardId)
            ?? throw ShardNames.NotFound(settings.Stream, shardId, shards);
        return new ShardTree([shard]);
    }

    private async Task ReadAllAsync(ShardTree tree, ChannelWriter<TailPage> pages, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Dictionary<Task<IReadOnlyList<ChildShard>?>, string> running = [];
        Exception? failure = null;
        try
        {
            Start();
            while (running.Count > 0)
            {
                Task<IReadOnlyList<ChildShard>?> ended = await Task.WhenAny(running.Keys);
                running.Remove(ended, out string? shardId);
                if (await ended is { } children)
                {
                    await FinishAsync(tree, shardId!, children, end.Token);
                    Start();
                }
            }
        }
        catch (Exception e)
        {
            failure = e;
        }
        finally
        {
            await end.CancelAsync();
            await ((Task)Task.WhenAll(running.Keys)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pages.TryComplete(failure);
        }

        void Start()
        {
            foreach (ShardNode shard in tree.TakeReady())
            {
                running.Add(ReadAsync(shard, pages, end.Token), shard.ShardId);
            }
        }
    }

    private async Task<IReadOnlyList<ChildShard>?> ReadAsync(
        ShardNode shard, ChannelWriter<TailPage> pages, CancellationToken cancellationToken)
    {
        var output = new ShardTailOutput(settings, shard, pages);
        return settings.ConsumerArn is { } consumer
            ? await new FanOutTail(client, settings, shard, consumer, output).RunAsync(cancellationToken)
            : await new PolledTail(client, settings, shard, output).RunAsync(cancellationToken);
    }

    private async Task FinishAsync(
        ShardTree tree, string shardId, IReadOnlyList<ChildShard> children, CancellationToken cancellationToken)
    {
        if (settings.ShardId is not null)
        {
            settings.Note(children.Count == 0
                ? $"{shardId} is closed, and read to its end."
                : $"{shardId} is closed, and read to its end. It goes on in {string.Join(" and ", children.Select(c => c.ShardId))}.");
            tree.Finish(shardId, []);
            return;
        }

        if (children.Count == 0)
        {
            // some servers name no children
            children = [
                .. (await ShardListing.ListAllAsync(client, settings.Stream, cancellationToken)).Shards
                    .Where(shard => shard.ParentIds().Contains(shardId))
                    .Select(static shard => new ChildShard(shard.ShardId, shard.ParentIds(), shard.HashKeyRange))];
        }

        tree.Finish(shardId, children);
    }
}
