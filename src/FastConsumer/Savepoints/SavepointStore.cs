using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using FastConsumer.Checkpoints;
using FastConsumer.Leases;

namespace FastConsumer.Savepoints;

/// <summary>
/// The savepoints of one application: makes them from running or stopped workers, lists, reads and deletes them, and begins an application
/// with one. They are kept in the place of the application's checkpoints, and are no worker's: only <see cref="DeleteAsync"/> removes one.
/// </summary>
/// <remarks>
/// <para>
/// A savepoint has the rows of the lease table, as far as they say what is done, and copies of the snapshots that these name. Each shard is
/// at its last checkpoint, so the shards are not at one moment, as after a crash of all workers.
/// </para>
/// <para>
/// Objects: <c>application/savepoints/name/seg/session/number</c> for the copies, segments like those of checkpoints; and
/// <c>application/savepoints/name/savepoint</c>, JSON, which is written last. Without it the savepoint is not there.
/// </para>
/// </remarks>
/// <param name="store">Where the application keeps its checkpoints.</param>
/// <param name="applicationName">The application (<c>FastConsumerOptions.ApplicationName</c>).</param>
/// <param name="random">Names what is copied; its seed differs from process to process.</param>
/// <param name="time">The clock; null for the machine's.</param>
public sealed partial class SavepointStore(ICheckpointStore store, string applicationName, Random random, TimeProvider? time = null)
{
    /// <summary>How long a name may be, in characters: 100.</summary>
    public const int MaxNameLength = 100;

    private const string Description = "savepoint";

    /// <summary>So many shards are copied at a time: of each, an object is in memory.</summary>
    private const int CopiedAtOnce = 4;

    private readonly ICheckpointStore _store = store ?? throw new ArgumentNullException(nameof(store));
    private readonly Random _random = random ?? throw new ArgumentNullException(nameof(random));
    private readonly string _root = CheckpointName.Escape(applicationName);
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Rules that tests switch off, to show that the checks miss them. None in production.</summary>
    [Flags]
    internal enum Rules
    {
        /// <summary>All rules hold.</summary>
        None = 0,

        /// <summary>A table may have had the rows at one moment.</summary>
        OneTable = 1,
    }

    /// <summary>The rules that do not hold.</summary>
    internal Rules Off { get; init; }

    private string Prefix => $"{_root}/savepoints/";

    /// <summary>Lists the savepoints, in the order of their names.</summary>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="CheckpointStoreException">The store cannot be listed or read.</exception>
    /// <exception cref="InvalidDataException">Savepoints cannot be read; the message names them.</exception>
    public async Task<IReadOnlyList<Savepoint>> ListAsync(CancellationToken cancellationToken = default)
    {
        (IReadOnlyList<Savepoint> found, IReadOnlyList<string> problems) = await ListAllAsync(cancellationToken);
        return problems.Count == 0 ? found : throw new InvalidDataException(string.Join(' ', problems));
    }

    /// <summary>The savepoints that can be read, and what is wrong with the others, in full sentences.</summary>
    internal async Task<(IReadOnlyList<Savepoint> Found, IReadOnlyList<string> Problems)> ListAllAsync(
        CancellationToken cancellationToken)
    {
        Dictionary<string, List<CheckpointObject>> all = new(StringComparer.Ordinal);
        await foreach (CheckpointObject one in _store.ListAsync(Prefix, cancellationToken))
        {
            string part = one.Name[Prefix.Length..];
            part = part[..Math.Max(0, part.IndexOf('/', StringComparison.Ordinal))];
            if (!all.TryGetValue(part, out List<CheckpointObject>? objects))
            {
                all.Add(part, objects = []);
            }

            objects.Add(one);
        }

        List<Savepoint> found = [];
        List<string> problems = [];
        foreach ((string part, List<CheckpointObject> objects) in all)
        {
            try
            {
                if (await ReadAsync($"{Prefix}{part}/", objects, cancellationToken) is { } savepoint)
                {
                    found.Add(savepoint);
                }
            }
            catch (InvalidDataException e)
            {
                problems.Add(e.Message);
            }
        }

        return ([.. found.OrderBy(static savepoint => savepoint.Name, StringComparer.Ordinal)], problems);
    }

    /// <summary>Finds a savepoint; null where there is none of this name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="CheckpointStoreException">The store cannot be listed or read.</exception>
    /// <exception cref="InvalidDataException">
    /// The savepoint cannot be read, or an object of it is gone; the message names the object.
    /// </exception>
    public async Task<Savepoint?> FindAsync(string name, CancellationToken cancellationToken = default) =>
        await ReadAsync(FolderOf(name), await ListObjectsAsync(name, cancellationToken), cancellationToken);

    /// <summary>
    /// Deletes a savepoint, and what a call that has failed left behind of one. Applications that have begun with it need it no more.
    /// </summary>
    /// <param name="name">The name.</param>
    /// <param name="cancellationToken">Ends the call. A part of it may be left: the next call deletes the rest.</param>
    /// <returns>How many objects were deleted; 0 where there was none of this name.</returns>
    /// <exception cref="CheckpointStoreException">The store cannot be listed, or an object not be deleted.</exception>
    public async Task<int> DeleteAsync(string name, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<CheckpointObject> objects = await ListObjectsAsync(name, cancellationToken);
        string description = DescriptionOf(name);
        int deleted = 0;
        while (objects.Count > 0)
        {
            // the description goes first: what is there without it is no savepoint. Something else takes its name meanwhile, so that nobody
            // who is still making one completes it
            await _store.DeleteAsync(description, cancellationToken);
            try
            {
                await _store.CreateAsync(description, new ReadOnlySequence<byte>(Savepoint.Deleted), cancellationToken);
            }
            catch (CheckpointObjectConflictException)
            {
                // it was completed just now
                continue;
            }

            foreach (CheckpointObject one in objects.Where(one => one.Name != description))
            {
                await _store.DeleteAsync(one.Name, cancellationToken);
            }

            deleted += objects.Count;
            objects = [.. (await ListObjectsAsync(name, cancellationToken)).Where(one => one.Name != description)];
        }

        if (deleted > 0)
        {
            await _store.DeleteAsync(description, cancellationToken);
        }

        return deleted;
    }

    /// <summary>Reads all entries of a savepoint, shard by shard.</summary>
    /// <param name="savepoint">The savepoint.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="CheckpointStoreException">An object cannot be read.</exception>
    /// <exception cref="InvalidDataException">A snapshot is damaged; the message names the object.</exception>
    public IAsyncEnumerable<StoredState> ReadStateAsync(Savepoint savepoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(savepoint);
        return new SnapshotReader(_store, applicationName).ReadAsync(RowsOf(savepoint), cancellationToken);
    }

    /// <summary>The objects of a savepoint, or of what is left of one.</summary>
    internal async Task<IReadOnlyList<CheckpointObject>> ListObjectsAsync(string name, CancellationToken cancellationToken)
    {
        ThrowIfNoName(name);
        List<CheckpointObject> objects = [];
        await foreach (CheckpointObject one in _store.ListAsync(FolderOf(name), cancellationToken))
        {
            objects.Add(one);
        }

        return objects;
    }

    /// <summary>The rows, which name the savepoint's own objects.</summary>
    private static List<Lease> RowsOf(Savepoint savepoint) =>
        [.. savepoint.Rows.Select(row => row.ToLease($"{LineageOf(savepoint.Name)}.0"))];

    /// <summary>The objects of a savepoint are named as those of a lineage are: its rows are read by what reads a lease table's.</summary>
    private static string LineageOf(string name) => $"savepoints/{CheckpointName.Escape(name)}";

    private static void ThrowIfNoName(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.Length > MaxNameLength)
        {
            throw new ArgumentException(
                $"'{name}' has {name.Length} characters, and the name of a savepoint has {MaxNameLength} at most.", nameof(name));
        }
    }

    /// <summary>Does some at a time. After a failure it begins no more, and waits for those that are under way.</summary>
    internal static async Task ForEachAsync<T>(IEnumerable<T> all, Func<T, Task> act)
    {
        var left = new Queue<T>(all);
        await Task.WhenAll(Enumerable.Range(0, CopiedAtOnce).Select(async _ =>
        {
            while (TryTake(out T? next))
            {
                try
                {
                    await act(next);
                }
                catch
                {
                    lock (left)
                    {
                        left.Clear();
                    }

                    throw;
                }
            }
        }));

        bool TryTake([MaybeNullWhen(false)] out T next)
        {
            lock (left)
            {
                return left.TryDequeue(out next);
            }
        }
    }

    private string FolderOf(string name) => $"{_root}/{LineageOf(name)}/";

    private string ObjectOf(string name, string one) => CheckpointPlace.NameOf(_root, LineageOf(name), one);

    private string DescriptionOf(string name) => $"{FolderOf(name)}{Description}";

    /// <summary>Reads a savepoint of which these objects are there; null where there is none, or none any more.</summary>
    private async Task<Savepoint?> ReadAsync(
        string folder, IReadOnlyList<CheckpointObject> objects, CancellationToken cancellationToken)
    {
        if (objects.FirstOrDefault(one => one.Name == $"{folder}{Description}") is not { Name: { } name } description)
        {
            return null;
        }

        Savepoint savepoint;
        byte[] json = new byte[description.Length];
        try
        {
            await _store.ReadAsync(name, 0, json, cancellationToken);
            if (Savepoint.FormatOf(json) is var format and not Savepoint.CurrentFormat)
            {
                return format == 0 ? null : throw new InvalidDataException(
                    $"Object '{name}' in {_store.Description} is a savepoint of format {format}, and this version of FastConsumer reads "
                        + $"format {Savepoint.CurrentFormat}.");
            }

            savepoint = Savepoint.Parse(json);
        }
        catch (CheckpointObjectMissingException)
        {
            // somebody deletes it
            return null;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(
                $"Object '{name}' in {_store.Description} is no savepoint that this version of FastConsumer can read, at "
                    + $"{e.Path ?? "its beginning"}.",
                e);
        }

        return MissingOf(savepoint, objects) is not { } gone ? savepoint : throw new InvalidDataException(
            $"Savepoint '{savepoint.Name}' in {_store.Description} is not whole: object '{gone}' is gone. Delete the savepoint.");
    }

    /// <summary>The first object of a savepoint that is not there; null for none.</summary>
    private string? MissingOf(Savepoint savepoint, IReadOnlyList<CheckpointObject> objects)
    {
        HashSet<string> there = new(objects.Select(static one => one.Name), StringComparer.Ordinal);
        return savepoint.Objects.Select(one => ObjectOf(savepoint.Name, one)).FirstOrDefault(one => !there.Contains(one));
    }

    /// <summary>16 hexadecimal digits that nothing else is called by.</summary>
    private string NewName()
    {
        lock (_random)
        {
            return _random.NextInt64().ToString("x16", CultureInfo.InvariantCulture);
        }
    }
}
