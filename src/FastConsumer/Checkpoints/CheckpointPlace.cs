using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using FastConsumer.Leases;
using FastConsumer.State;

namespace FastConsumer.Checkpoints;

/// <summary>
/// Where the snapshots of one processor's shards are kept, and what their objects are called:
/// <c>application/lineage/seg/session/number</c>. A process never gives a name twice, and no other process has its session. Thread-safe.
/// </summary>
internal sealed class CheckpointPlace
{
    /// <summary>As many characters of a session make it one's own: its random part.</summary>
    private const int SessionLength = 16;

    private readonly string _root;
    private readonly string _session;
    private readonly string _table;
    private readonly TimeProvider? _time;
    private readonly long _since;
    private long _number;
    private volatile string? _known;

    /// <param name="store">The store.</param>
    /// <param name="application">The application.</param>
    /// <param name="session">A name of this process's that no other has.</param>
    /// <param name="table">Tells the lease table from others, such as a copy of it.</param>
    /// <param name="time">The clock by which the shards checkpoint together; null where each does alone.</param>
    public CheckpointPlace(ICheckpointStore store, string application, string session, string table, TimeProvider? time = null)
    {
        Store = store;
        _root = CheckpointName.Escape(application);
        _session = SessionPartOf(session);
        _table = table;
        _time = time;
        _since = time?.GetTimestamp() ?? 0;
        Rounds = new SegmentRounds(this, time);
    }

    /// <summary>The store.</summary>
    public ICheckpointStore Store { get; }

    /// <summary>Writes what several shards have at the same time.</summary>
    public SegmentRounds Rounds { get; }

    /// <summary>Who needs which object.</summary>
    public SegmentReferences References { get; } = new();

    /// <summary>The time until all shards with this interval are to checkpoint, so that they share objects.</summary>
    public TimeSpan UntilNext(TimeSpan interval) => _time is null
        ? interval
        : interval - TimeSpan.FromTicks(_time.GetElapsedTime(_since).Ticks % Math.Max(1, interval.Ticks));

    /// <summary>The next object, as a row's handle names it: <c>session/number</c>.</summary>
    public string NextObject() =>
        string.Create(CultureInfo.InvariantCulture, $"{_session}/{Interlocked.Increment(ref _number)}");

    /// <summary>What the names of all objects of a lineage begin with.</summary>
    public string PrefixOf(string lineage) => NameOf(lineage, "");

    /// <summary>An object's name in the store.</summary>
    /// <param name="lineage">The lineage of the rows.</param>
    /// <param name="object">The object, as a row's handle names it.</param>
    public string NameOf(string lineage, string @object) => NameOf(_root, lineage, @object);

    /// <summary>An object's name in the store.</summary>
    /// <param name="root">The application's name, escaped.</param>
    /// <param name="lineage">The lineage of the rows.</param>
    /// <param name="object">The object, as a row's handle names it.</param>
    public static string NameOf(string root, string lineage, string @object) => $"{root}/{lineage}/seg/{@object}";

    /// <summary>The session of an object that a process has written, and its number.</summary>
    /// <param name="object">The object, as a row's handle names it.</param>
    /// <param name="session">What the process is called in names of objects.</param>
    /// <param name="number">Counts up within the process.</param>
    /// <returns>False where no process gives such a name.</returns>
    public static bool TryParse(string @object, [NotNullWhen(true)] out string? session, out long number)
    {
        (session, number) = (null, 0);
        int slash = @object.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || !long.TryParse(@object.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out number))
        {
            return false;
        }

        session = @object[..slash];
        return true;
    }

    /// <summary>
    /// True where the process that a row's session names writes its objects under this session: it may be the one that wrote them.
    /// </summary>
    /// <param name="session">The session of an object.</param>
    /// <param name="taken">A row's session (<see cref="Lease.Session"/>); null for none.</param>
    public static bool IsOf(string session, string? taken) =>
        taken is not null && Lease.ProcessOf(taken) is { Length: > 0 } process && SessionPartOf(process) == session;

    /// <summary>A process's part of the names of its objects.</summary>
    private static string SessionPartOf(string process) =>
        CheckpointName.Escape(process[^Math.Min(process.Length, SessionLength)..]);

    /// <summary>
    /// Makes sure that the lineage's objects belong to this lease table. A copy of a table has the lineage of its original, and would write
    /// and delete among the original's objects.
    /// </summary>
    /// <exception cref="SnapshotRefusedException">They belong to another one.</exception>
    public async ValueTask RequireTableAsync(string lineage, CancellationToken cancellationToken)
    {
        if (_known == lineage)
        {
            return;
        }

        try
        {
            await Store.CreateAsync(
                $"{_root}/{lineage}/table", new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(_table)), cancellationToken);
        }
        catch (CheckpointObjectConflictException e)
        {
            throw new SnapshotRefusedException(
                $"The state of lineage {lineage} in {Store.Description} belongs to another lease table than {_table}. This table is a copy "
                    + "or a restored backup: both would write and delete the same objects. Give this application another place for its "
                    + $"state. Then copy the objects below {_root}/{lineage}/seg there, or begin without state: 'fastconsumer checkpoint "
                    + "reset --drop-state'.",
                e);
        }

        _known = lineage;
    }
}
