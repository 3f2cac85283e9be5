using System.Buffers;
using System.Runtime.CompilerServices;
using FastConsumer.Checkpoints;
using FastConsumer.Leases;
using FastConsumer.State.Format;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.State;

/// <summary>What goes wrong between workers and the store of their snapshots.</summary>
internal sealed record StateSettings
{
    public required int Seed { get; init; }

    public required double LostRequests { get; init; }

    public required double LostAnswers { get; init; }

    /// <summary>The part of creations that are served long after their worker has given up waiting.</summary>
    public required double HeldUp { get; init; }

    /// <summary>The part of calls that the store refuses.</summary>
    public required double Refused { get; init; }

    /// <summary>The part of records whose key a producer puts into any shard, by an explicit hash key.</summary>
    public double Strays { get; init; }
}

/// <summary>Where a store of snapshots is: a worker's or a tool's, in a world with state.</summary>
internal sealed record StatePlace(
    SimulatedCluster Cluster, SimulatedProcess Process, SimulatedObjects Objects, StateSettings Settings, Func<bool> IsQuiet, Random Random)
{
    private readonly SimulatedWorker? _worker;

    public StatePlace(
        SimulatedCluster cluster,
        SimulatedWorker worker,
        SimulatedObjects objects,
        StateSettings settings,
        Func<bool> isQuiet,
        Random random)
        : this(cluster, worker.Process, objects, settings, isQuiet, random) => _worker = worker;

    /// <summary>The worker whose place it is.</summary>
    public SimulatedWorker Worker => _worker ?? throw new InvalidOperationException($"{Process.Name} is no worker.");

    /// <summary>Told that a call has failed or takes long; null where nobody minds.</summary>
    public Action? Troubled => _worker is { } worker ? () => worker.ToTable.Troubled?.Invoke() : null;
}

/// <summary>The objects as their service sees them.</summary>
internal sealed class SimulatedObjects(SimulatedCluster cluster)
{
    private readonly SortedDictionary<string, byte[]> _objects = new(StringComparer.Ordinal);

    /// <summary>How many objects were written.</summary>
    public int Created { get; private set; }

    /// <summary>How many were deleted.</summary>
    public int Deleted { get; private set; }

    public IReadOnlyDictionary<string, byte[]> All => _objects;

    /// <summary>The object that a row's handle names; null where it is not there.</summary>
    public byte[]? Find(string named) =>
        _objects.FirstOrDefault(pair => pair.Key.EndsWith($"/seg/{named}", StringComparison.Ordinal)).Value;

    /// <summary>False where other bytes are there.</summary>
    public bool Create(string worker, string name, byte[] bytes)
    {
        if (_objects.TryGetValue(name, out byte[]? there))
        {
            return there.AsSpan().SequenceEqual(bytes);
        }

        _objects.Add(name, bytes);
        Created++;
        cluster.Loop.Trace.Add(worker, null, $"object {name} is written, {bytes.Length} bytes");
        return true;
    }

    /// <summary>I6: nothing is deleted that a row names.</summary>
    public void Delete(string worker, string name)
    {
        cluster.Loop.Trace.Add(worker, null, $"object {name} is deleted");
        Lease? namer = cluster.Table.Rows.FirstOrDefault(row =>
            NamedBy(row).Any(named => name.EndsWith($"/seg/{named}", StringComparison.Ordinal)));
        cluster.Ledger.Require(
            "nothing named is deleted", namer is null, namer?.LeaseKey ?? "", $"{worker} deletes {name}, which the row names.");
        Deleted += _objects.Remove(name) ? 1 : 0;
    }

    /// <summary>The objects that a row leads to, by its own handle and by what it inherits.</summary>
    public IEnumerable<string> NamedBy(Lease row)
    {
        foreach (SnapshotHandle handle in SnapshotHandle.AllOf(row))
        {
            yield return handle.Object!;
            if (Find(handle.Object!) is { } segment && segment.Length >= handle.Offset + handle.Length)
            {
                SnapshotManifest manifest = SegmentReader.ReadManifest(segment.AsSpan((int)handle.Offset, handle.Length).ToArray());
                foreach (SnapshotRange range in manifest.Ranges)
                {
                    yield return range.Segment;
                }
            }
        }
    }
}

/// <summary>The store as one worker reaches it, over a link that loses requests and answers, and holds creations up.</summary>
internal class SimulatedCheckpointStore : ICheckpointStore
{
    private readonly StatePlace _place;
    private readonly SimulatedLink _link;

    public SimulatedCheckpointStore(StatePlace place)
    {
        _place = place;
        _link = new SimulatedLink(place.Cluster.Loop, place.Process, "objects", place.Random)
        {
            Patience = TimeSpan.FromSeconds(2),
            // a last checkpoint that is lost may let a hand-over take too long
            Troubled = place.Troubled,
        };
    }

    public string Description => "the simulated bucket";

    protected SimulatedObjects Objects => _place.Objects;

    protected SimulatedWorker Worker => _place.Worker;

    /// <summary>The shard's row as it is now, whoever may know of it.</summary>
    protected Lease RowOf(string shard) => _place.Cluster.Table.Rows.Single(row => row.LeaseKey == shard);

    public Task PrepareAsync(CancellationToken cancellationToken) => CallAsync("HEAD", static () => true, cancellationToken);

    public virtual async Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        byte[] bytes = content.ToArray();
        if (!_place.IsQuiet() && _place.Random.NextDouble() < _place.Settings.HeldUp)
        {
            _place.Cluster.Loop.At(
                TimeSpan.FromSeconds(1 + (_place.Random.NextDouble() * 20)), () => Objects.Create(_place.Process.Name, name, bytes));
            await Task.Delay(_link.Patience, _place.Process.Clock, cancellationToken);
            throw new CheckpointStoreException("The bucket did not answer PUT.", isTransient: true);
        }

        if (!await CallAsync("PUT", () => Objects.Create(_place.Process.Name, name, bytes), cancellationToken))
        {
            throw new CheckpointObjectConflictException(name, Description);
        }
    }

    public virtual async Task ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        byte[]? bytes = await CallAsync("GET", () => Objects.All.GetValueOrDefault(name), cancellationToken);
        if (bytes is null)
        {
            throw new CheckpointObjectMissingException(name, Description);
        }

        if (bytes.Length < offset + destination.Length)
        {
            throw new CheckpointObjectTooShortException(name, Description, bytes.Length, offset + destination.Length);
        }

        bytes.AsMemory((int)offset, destination.Length).CopyTo(destination);
    }

    public async IAsyncEnumerable<CheckpointObject> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (string name in await CallAsync(
            "LIST", () => Objects.All.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).ToList(), cancellationToken))
        {
            yield return new CheckpointObject(name, Objects.All[name].Length);
        }
    }

    public Task DeleteAsync(string name, CancellationToken cancellationToken) => CallAsync(
        "DELETE",
        () =>
        {
            Objects.Delete(_place.Process.Name, name);
            return true;
        },
        cancellationToken);

    private async Task<T> CallAsync<T>(string what, Func<T> serve, CancellationToken cancellationToken)
    {
        _link.LostRequests = _place.IsQuiet() ? 0 : _place.Settings.LostRequests;
        _link.LostAnswers = _place.IsQuiet() ? 0 : _place.Settings.LostAnswers;
        if (!_place.IsQuiet() && _place.Random.NextDouble() < _place.Settings.Refused)
        {
            throw new CheckpointStoreException($"The bucket refuses {what}: SlowDown.", isTransient: true) { IsThrottled = true };
        }

        try
        {
            return await _link.CallAsync(what, serve, cancellationToken);
        }
        catch (NoAnswerException e)
        {
            throw new CheckpointStoreException(e.Message, isTransient: true, e);
        }
    }
}
