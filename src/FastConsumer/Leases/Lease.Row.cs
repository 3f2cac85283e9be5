using System.Globalization;
using System.Runtime.InteropServices;
using FastConsumer.Kinesis;

namespace FastConsumer.Leases;

/// <content>Between a row and a lease.</content>
public sealed partial record Lease
{
    /// <summary>The longest lease duration that is believed.</summary>
    private static readonly TimeSpan s_longestDuration = TimeSpan.FromDays(1);

    /// <summary>
    /// True where a row is a lease's, be it readable or not. Rows of other kinds share the table from KCL 3.5 on; KCL before that takes
    /// every row
    /// for a lease. A row without a type that has neither counter nor checkpoint is a lease's only where its key is a shard's.
    /// </summary>
    /// <param name="leaseKey">The row's key.</param>
    /// <param name="attributes">All attributes of the row.</param>
    public static bool IsLease(string leaseKey, IReadOnlyDictionary<string, Value> attributes)
    {
        ArgumentNullException.ThrowIfNull(leaseKey);
        ArgumentNullException.ThrowIfNull(attributes);
        return attributes.TryGetValue(Names.EntityType, out Value type)
            ? type == Names.LeaseEntity
            : attributes.ContainsKey(Names.LeaseCounter)
                || attributes.ContainsKey(Names.Checkpoint)
                || leaseKey.StartsWith("shardId-", StringComparison.Ordinal);
    }

    /// <summary>
    /// Reads a row. Never throws because of what the row holds: <see cref="Problem"/> says what is wrong, and the other properties hold
    /// what could
    /// be read.
    /// </summary>
    /// <param name="leaseKey">The row's key.</param>
    /// <param name="attributes">All attributes of the row, with or without the key. Kept, not copied.</param>
    public static Lease Read(string leaseKey, IReadOnlyDictionary<string, Value> attributes)
    {
        ArgumentException.ThrowIfNullOrEmpty(leaseKey);
        ArgumentNullException.ThrowIfNull(attributes);
        var row = new RowReader(attributes);
        string? session = row.HintText(Names.Session);
        return new Lease
        {
            LeaseKey = leaseKey,
            LeaseCounter = row.Number(Names.LeaseCounter, isRequired: true) ?? 0,
            LeaseOwner = row.Text(Names.LeaseOwner),
            CheckpointOwner = row.Text(Names.CheckpointOwner),
            OwnerSwitchesSinceCheckpoint = row.Number(Names.OwnerSwitchesSinceCheckpoint) ?? 0,
            Checkpoint = row.Checkpoint(),
            ParentShardIds = row.Strings(Names.ParentShardIds),
            ChildShardIds = row.Strings(Names.ChildShardIds),
            HashKeyRange = row.HashKeys(),
            StartedAt = row.Time(Names.StartedAt),
            StreamCreatedAt = row.Time(Names.StreamCreatedAt),
            StreamName = row.Text(Names.StreamName),
            TakenBy = row.HintText(Names.TakenBy),
            Session = session,
            Duration = DurationOf(row.HintText(Names.Duration), EpochOf(session)),
            RequestedBy = row.HintText(Names.RequestedBy),
            Notification = row.HintText(Names.Notification),
            Standing = row.HintText(Names.Standing),
            Command = row.HintText(Names.Command),
            Decision = row.HintText(Names.Decision),
            Paused = row.HintText(Names.Paused),
            Reset = row.HintText(Names.Reset),
            Report = row.HintText(Names.Report),
            PositionSink = row.HintText(Names.PositionSink),
            Snapshot = row.Text(Names.Snapshot),
            Inherits = row.Strings(Names.Inherits),
            StateVersion = (int)Math.Clamp(row.Number(Names.StateVersion) ?? 0, 0, int.MaxValue),
            Lineage = row.Text(Names.Lineage),
            Throughput = row.Hint(Names.Throughput).RealNumber,
            HasPendingCheckpoint = attributes.ContainsKey(Names.PendingCheckpoint)
                || attributes.ContainsKey(Names.PendingCheckpointSubSequenceNumber)
                || attributes.ContainsKey(Names.PendingCheckpointState),
            Attributes = attributes,
            Problem = row.Problem is { } problem
                ? $"The row '{leaseKey}' cannot be read as a lease: {problem} Correct the row, or delete it if its shard may be read "
                    + $"from the start position again."
                : null,
        };
    }

    /// <summary>
    /// The whole row, its key too: the attributes as they were read (<see cref="Attributes"/>), with what the properties say in their
    /// place. Of a
    /// row with a <see cref="Problem"/> it is what was read.
    /// </summary>
    public IReadOnlyDictionary<string, Value> ToAttributes()
    {
        if (Problem is not null)
        {
            return Attributes;
        }

        var row = new Dictionary<string, Value>(Attributes, StringComparer.Ordinal) { [Names.LeaseKey] = LeaseKey };
        Lease? read = Attributes.Count > 0 && Read(LeaseKey, Attributes) is { Problem: null } readable ? readable : null;
        if (read is null)
        {
            row[Names.EntityType] = Names.LeaseEntity;
        }

        Put(read?.LeaseCounter == LeaseCounter, Names.LeaseCounter, LeaseCounter);
        Put(read?.OwnerSwitchesSinceCheckpoint == OwnerSwitchesSinceCheckpoint, Names.OwnerSwitchesSinceCheckpoint,
            OwnerSwitchesSinceCheckpoint);
        Put(read?.Checkpoint == Checkpoint, Names.Checkpoint, Checkpoint.ToCheckpointString());
        Put(read?.Checkpoint == Checkpoint, Names.CheckpointSubSequenceNumber, Checkpoint.SubSequenceNumber);
        PutText(read?.LeaseOwner, LeaseOwner, Names.LeaseOwner);
        PutText(read?.CheckpointOwner, CheckpointOwner, Names.CheckpointOwner);
        PutText(read?.StreamName, StreamName, Names.StreamName);
        PutText(read?.TakenBy, TakenBy, Names.TakenBy);
        PutText(read?.Session, Session, Names.Session);
        PutText(read?.RequestedBy, RequestedBy, Names.RequestedBy);
        PutText(read?.Notification, Notification, Names.Notification);
        PutText(read?.Standing, Standing, Names.Standing);
        PutText(read?.Command, Command, Names.Command);
        PutText(read?.Decision, Decision, Names.Decision);
        PutText(read?.Paused, Paused, Names.Paused);
        PutText(read?.Reset, Reset, Names.Reset);
        PutText(read?.Report, Report, Names.Report);
        PutText(read?.PositionSink, PositionSink, Names.PositionSink);
        PutText(read?.Snapshot, Snapshot, Names.Snapshot);
        PutText(read?.Lineage, Lineage, Names.Lineage);
        PutStrings(read?.Inherits, Inherits, Names.Inherits);
        Put((read?.StateVersion ?? 0) == StateVersion, Names.StateVersion, Value.Optional(StateVersion == 0 ? null : StateVersion));
        PutStrings(read?.ParentShardIds, ParentShardIds, Names.ParentShardIds);
        PutStrings(read?.ChildShardIds, ChildShardIds, Names.ChildShardIds);
        PutTime(read?.StartedAt, StartedAt, Names.StartedAt);
        PutTime(read?.StreamCreatedAt, StreamCreatedAt, Names.StreamCreatedAt);
        Put(Equals(read?.HashKeyRange, HashKeyRange), Names.StartingHashKey, HashKey(HashKeyRange?.StartingHashKey));
        Put(Equals(read?.HashKeyRange, HashKeyRange), Names.EndingHashKey, HashKey(HashKeyRange?.EndingHashKey));
        Put(read?.Throughput == Throughput, Names.Throughput, Throughput is { } throughput ? ThroughputValue(throughput) : default(Value?));
        Put(
            read?.Duration == Duration,
            Names.Duration,
            Duration is { } duration && EpochOf(Session) is { } epoch ? DurationValue(epoch, duration) : default(Value?));
        if (HasPendingCheckpoint != (read?.HasPendingCheckpoint ?? false))
        {
            Put(false, Names.PendingCheckpoint, Value.Optional(HasPendingCheckpoint ? Checkpoint.ToCheckpointString() : null));
            Put(false, Names.PendingCheckpointSubSequenceNumber,
                Value.Optional(HasPendingCheckpoint ? Checkpoint.SubSequenceNumber : default(long?)));
            Put(false, Names.PendingCheckpointState, default(Value?));
        }

        return row;

        void Put(bool isAsRead, string name, Value? value)
        {
            if (isAsRead && read is not null)
            {
                return;
            }

            if (value is { } set)
            {
                row[name] = set;
            }
            else
            {
                row.Remove(name);
            }
        }

        void PutText(string? before, string? now, string name) => Put(before == now, name, Value.Optional(now));

        void PutStrings(IReadOnlyList<string>? before, IReadOnlyList<string> now, string name) =>
            Put(before is not null && before.SequenceEqual(now), name, now.Count > 0 ? Value.FromStrings(now) : default(Value?));

        void PutTime(DateTimeOffset? before, DateTimeOffset? now, string name) =>
            Put(before?.ToUnixTimeMilliseconds() == now?.ToUnixTimeMilliseconds(), name, Value.Optional(now?.ToUnixTimeMilliseconds()));

        static Value? HashKey(UInt128? key) => Value.Optional(key?.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>
    /// The bytes of the row as it was read, as DynamoDB counts them (its guide, "Item sizes"), without one attribute.
    /// </summary>
    internal int SizeWithout(string name)
    {
        int bytes = Names.LeaseKey.Length + LeaseKey.Length;
        foreach ((string attribute, Value value) in Attributes)
        {
            if (attribute != name && attribute != Names.LeaseKey)
            {
                bytes += attribute.Length + value.Size;
            }
        }

        return bytes;
    }

    /// <summary>The name of one take by one process: what a take writes as <see cref="Session"/>.</summary>
    /// <param name="process">The process; no other has this name.</param>
    /// <param name="epoch">The counter that the take writes.</param>
    internal static string SessionOf(string process, long epoch) => string.Create(CultureInfo.InvariantCulture, $"{process}/{epoch}");

    /// <summary>The process that a session is of: what stands before the take's epoch.</summary>
    internal static string ProcessOf(string session) => session.LastIndexOf('/') is >= 0 and int slash ? session[..slash] : session;

    /// <summary>The epoch that a session bears; null where it bears none, as the sessions of earlier versions do.</summary>
    internal static long? EpochOf(string? session) =>
        session?.LastIndexOf('/') is { } slash and >= 0
        && long.TryParse(session.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long epoch)
            ? epoch
            : null;

    /// <summary>What a take writes as <see cref="Names.Duration"/>.</summary>
    internal static Value DurationValue(long epoch, TimeSpan duration) =>
        string.Create(CultureInfo.InvariantCulture, $"{epoch}/{(long)duration.TotalMilliseconds}");

    /// <summary>What is written as <see cref="Names.Throughput"/>: KB a second, to a thousandth.</summary>
    internal static Value ThroughputValue(double throughput) => Value.FromDouble(Math.Round(throughput, 3));

    /// <summary>
    /// The duration, if it is of this epoch: a version that does not know the attribute takes a lease without removing it.
    /// </summary>
    private static TimeSpan? DurationOf(string? text, long? epoch) =>
        text?.IndexOf('/') is { } slash and >= 0
        && long.TryParse(text.AsSpan(0, slash), NumberStyles.None, CultureInfo.InvariantCulture, out long ofEpoch)
        && ofEpoch == epoch
        && long.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long milliseconds)
        && milliseconds > 0
        && milliseconds <= s_longestDuration.TotalMilliseconds
            ? TimeSpan.FromMilliseconds(milliseconds)
            : null;

    /// <summary>Reads attributes and remembers what is wrong with them.</summary>
    [StructLayout(LayoutKind.Auto)]
    private struct RowReader(IReadOnlyDictionary<string, Value> attributes)
    {
        public string? Problem { get; private set; }

        /// <summary>What only helps, and is left out where it makes no sense.</summary>
        public readonly Value Hint(string name) => attributes.GetValueOrDefault(name);

        /// <inheritdoc cref="Hint"/>
        public readonly string? HintText(string name) => Hint(name) is { Type: Value.Kind.Text } value ? value.Text : null;

        public string? Text(string name)
        {
            Value value = Hint(name);
            if (value.Type is Value.Kind.None or Value.Kind.Text)
            {
                return value.Text;
            }

            Complain($"{name} is {Named(value)}, where a string (S) is expected.");
            return null;
        }

        public long? Number(string name, bool isRequired = false)
        {
            Value value = Hint(name);
            if (value.WholeNumber is { } number)
            {
                return number;
            }

            if (value.Type != Value.Kind.None)
            {
                Complain($"{name} is {Named(value)}, where a whole number (N) is expected.");
            }
            else if (isRequired)
            {
                Complain($"it has no {name}. Where the other attributes are right, set {name} to 0 (N).");
            }

            return null;
        }

        public CheckpointPosition Checkpoint()
        {
            long subSequenceNumber = Number(Names.CheckpointSubSequenceNumber) ?? 0;
            string expected = "a sequence number, TRIM_HORIZON, LATEST, AT_TIMESTAMP or SHARD_END is expected";
            if (!attributes.ContainsKey(Names.Checkpoint))
            {
                Complain($"it has no {Names.Checkpoint}; {expected} (S).");
            }
            else if (Text(Names.Checkpoint) is { } text)
            {
                if (CheckpointPosition.TryParse(text, subSequenceNumber, out CheckpointPosition checkpoint))
                {
                    return checkpoint;
                }

                Complain($"{Names.Checkpoint} is '{text}', where {expected}.");
            }

            return default;
        }

        public IReadOnlyList<string> Strings(string name)
        {
            Value value = Hint(name);
            if (value.Type != Value.Kind.None && value.Strings is null)
            {
                Complain($"{name} is {Named(value)}, where a set of strings (SS) is expected.");
            }

            return value.Strings ?? [];
        }

        public DateTimeOffset? Time(string name)
        {
            if (Number(name) is not { } milliseconds)
            {
                return null;
            }

            if (milliseconds >= DateTimeOffset.MinValue.ToUnixTimeMilliseconds()
                && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
            {
                return DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
            }

            Complain($"{name} is {milliseconds}, where milliseconds since 1970 are expected.");
            return null;
        }

        public HashKeyRange? HashKeys()
        {
            UInt128? start = HashKey(Names.StartingHashKey);
            UInt128? end = HashKey(Names.EndingHashKey);
            return start is { } first && end is { } last ? new HashKeyRange(first, last) : null;
        }

        private UInt128? HashKey(string name)
        {
            if (Text(name) is not { } digits)
            {
                return null;
            }

            if (UInt128.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out UInt128 key))
            {
                return key;
            }

            Complain($"{name} is '{digits}', where a 128-bit number is expected.");
            return null;
        }

        private static string Named(Value value) => value.Type switch
        {
            Value.Kind.Text => $"the string '{value.Text}'",
            Value.Kind.Number => $"the number {value.Text}",
            Value.Kind.StringSet => $"a set of {value.Strings!.Count} strings",
            Value.Kind.Binary => $"{value.Bytes.Length} bytes",
            Value.Kind.Boolean => $"the Boolean {value}",
            _ => "of another type",
        };

        private void Complain(string problem) => Problem = Problem is null ? problem : $"{Problem} Also, {problem}";
    }
}
