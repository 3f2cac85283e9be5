// Written from the rules' pages alone. The marks were set before anything was run.
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using FastConsumer;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Corpus.Independent.Caches;

public sealed record Flag(string Name, bool On, int Version);

[JsonSerializable(typeof(Flag))]
public sealed partial class CachesJson : JsonSerializerContext;

public interface IFlagStore
{
    Task<Flag?> FindAsync(string name, CancellationToken cancellationToken);

    Task SetAsync(Flag flag, CancellationToken cancellationToken);
}

/// <summary>Warms a cache, and deletes what is off.</summary>
[KinesisProcessor("flags", JsonContext = typeof(CachesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 9, Then = ErrorAction.Stop)]
public sealed partial class Warms(IDatabase database)
{
    [OnRecord]
    public async Task HandleAsync(Flag flag)
    {
        if (!flag.On)
        {
            await database.KeyDeleteAsync("flag:" + flag.Name);
            return;
        }

        await database.StringSetAsync("flag:" + flag.Name, flag.Version, TimeSpan.FromHours(1));
    }
}

/// <summary>The same with the calls that hold the thread; the notice to others is fire and forget, and says so.</summary>
[KinesisProcessor("flags", JsonContext = typeof(CachesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 9, Then = ErrorAction.Stop)]
public sealed partial class WarmsOnTheThread(IConnectionMultiplexer redis)
{
    [OnRecord]
    public void Handle(Flag flag)
    {
        IDatabase database = redis.GetDatabase();
        {|FC3001:database.StringSet("flag:" + flag.Name, flag.Version)|};
        redis.GetSubscriber().Publish(RedisChannel.Literal("flags"), flag.Name, CommandFlags.FireAndForget);
    }
}

/// <summary>A call without its await, and one that a helper of the house forgets on purpose.</summary>
[KinesisProcessor("flags", JsonContext = typeof(CachesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 9, Then = ErrorAction.Stop)]
public sealed partial class WarmsAndForgets(IDatabase database, ILogger<WarmsAndForgets> logger)
{
    [OnRecord]
    public async Task HandleAsync(Flag flag, CancellationToken cancellationToken)
    {
        {|FC2003:database.StringSetAsync("flag:" + flag.Name, flag.Version)|};
        {|FC2003:database.PublishAsync(RedisChannel.Literal("flags"), flag.Name)|}.Forget(logger);
        await Task.Delay(1, cancellationToken);
    }
}

public static class TaskExtensions
{
    public static void Forget(this Task task, ILogger logger) =>
        task.ContinueWith(done => logger.LogError(done.Exception, "Forgotten"), TaskContinuationOptions.OnlyOnFaulted);
}

/// <summary>A pipeline of Redis: collected, executed, awaited.</summary>
[KinesisProcessor("flags", JsonContext = typeof(CachesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 9, Then = ErrorAction.Stop)]
public sealed partial class WarmsInPipelines(IDatabase database)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Flag> flags, CancellationToken cancellationToken)
    {
        IBatch batch = database.CreateBatch();
        Task[] tasks = new Task[flags.Length];
        for (int i = 0; i < tasks.Length; i++)
        {
            Flag flag = flags.Span[i];
            tasks[i] = batch.StringSetAsync("flag:" + flag.Name, flag.Version);
        }

        batch.Execute();
        await Task.WhenAll(tasks).WaitAsync(cancellationToken);
    }
}

/// <summary>A transaction with a condition; where the condition did not hold, the flag is older and nothing is to be done.</summary>
[KinesisProcessor("flags", JsonContext = typeof(CachesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 9, Then = ErrorAction.Stop)]
public sealed partial class WarmsForward(IDatabase database, ILogger<WarmsForward> logger)
{
    [OnRecord]
    public async Task HandleAsync(Flag flag)
    {
        ITransaction transaction = database.CreateTransaction();
        transaction.AddCondition(Condition.HashNotExists("flag:" + flag.Name, $"v{flag.Version}"));
        Task<bool> set = transaction.HashSetAsync("flag:" + flag.Name, $"v{flag.Version}", flag.On);
        if (await transaction.ExecuteAsync())
        {
            await set;
        }
        else
        {
            logger.LogDebug("{Flag} is older", flag.Name);
        }
    }
}

/// <summary>Flags of the process: a dictionary that is replaced, never changed.</summary>
[KinesisProcessor("flags", JsonContext = typeof(CachesJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class FlagsOfProcess
{
    private static ImmutableDictionary<string, Flag> s_flags = ImmutableDictionary<string, Flag>.Empty;
    private static readonly ConcurrentDictionary<string, int> s_versions = new(StringComparer.Ordinal);
    private static readonly Dictionary<string, int> s_changes = [];

    [OnRecord]
    public void Handle(Flag flag)
    {
        if (s_versions.AddOrUpdate(flag.Name, flag.Version, (_, before) => Math.Max(before, flag.Version)) == flag.Version)
        {
            ImmutableInterlocked.AddOrUpdate(ref s_flags, flag.Name, flag, (_, _) => flag);
        }

        lock (s_changes)
        {
            s_changes[flag.Name] = s_changes.GetValueOrDefault(flag.Name) + 1;
        }
    }
}

/// <summary>Flags of the process, replaced by reading and writing: two shards overwrite each other.</summary>
[KinesisProcessor("flags", JsonContext = typeof(CachesJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class FlagsOverwritten
{
    private static ImmutableDictionary<string, Flag> s_flags = ImmutableDictionary<string, Flag>.Empty;
    private static readonly Lock s_lock = new();
    private static int s_changes;

    public static Flag? Find(string name) => s_flags.GetValueOrDefault(name);

    [OnRecord]
    public void Handle(Flag flag)
    {
        {|FC3003:s_flags|} = s_flags.SetItem(flag.Name, flag);
        lock (s_lock)
        {
            s_changes++;
        }
    }
}

/// <summary>One at a time, guarded by a semaphore that is waited for with the thread.</summary>
[KinesisProcessor("flags", JsonContext = typeof(CachesJson))]
[Concurrency(4)]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class OneAtATime(IFlagStore store)
{
    private readonly SemaphoreSlim _gate = new(1, 1);

    [OnRecord]
    public async Task HandleAsync(Flag flag, CancellationToken cancellationToken)
    {
        {|FC3001:_gate.Wait(cancellationToken)|};
        try
        {
            await store.SetAsync(flag, cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }
}

/// <summary>One at a time, awaited; a version that is there already is no work.</summary>
[KinesisProcessor("flags", JsonContext = typeof(CachesJson))]
[Concurrency(4)]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class OneAtATimeAwaited(IFlagStore store)
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private int _written;

    [OnRecord]
    public async Task HandleAsync(Flag flag, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (await store.FindAsync(flag.Name, cancellationToken) is not { } found || found.Version < flag.Version)
            {
                await store.SetAsync(flag, cancellationToken);
                _written++;
            }
        }
        finally
        {
            _gate.Release();
        }
    }
}

/// <summary>A fallback: what the store cannot say is taken from the record.</summary>
[KinesisProcessor("flags", JsonContext = typeof(CachesJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class FallsBack(IFlagStore store, ILogger<FallsBack> logger)
{
    [OnRecord]
    public async Task HandleAsync(Flag flag, CancellationToken cancellationToken)
    {
        Flag? found = null;
        try
        {
            found = await store.FindAsync(flag.Name, cancellationToken);
        }
        catch (InvalidOperationException e)
        {
            logger.LogWarning(e, "Store does not know");
        }

        found ??= flag;
        await store.SetAsync(found with { Version = found.Version + 1 }, cancellationToken);
    }
}

/// <summary>Bytes on their way to a thread of one's own: neither lives as long as the other.</summary>
[KinesisProcessor("blobs")]
public sealed partial class BytesToPool(IDatabase database)
{
    [OnRecord]
    public void Handle(KinesisRecord record, CancellationToken cancellationToken)
    {
        string key = record.PartitionKey;
        {|FC2003:Task.Run(async () => await database.StringSetAsync(key, {|FC2005:record|}.Data), cancellationToken)|};
    }
}

/// <summary>Bytes lent for an awaited call; the key is compared as it lies there.</summary>
[KinesisProcessor("blobs")]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 9, Then = ErrorAction.Stop)]
public sealed partial class BytesLent(IDatabase database)
{
    [OnRecord]
    public async Task HandleAsync(KinesisRecord record)
    {
        if (record.PartitionKeyUtf8.StartsWith("tmp/"u8))
        {
            return;
        }

        await database.StringSetAsync(Encoding.UTF8.GetString(record.PartitionKeyUtf8), record.Data);
    }
}
