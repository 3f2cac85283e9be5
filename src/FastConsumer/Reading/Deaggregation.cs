using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using FastConsumer.Buffers;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Reading;

/// <summary>What became of an answer.</summary>
/// <param name="End">The position when all of the answer is done, also where its last records were left out.</param>
/// <param name="Foreign">The user records that were left out because they belong to another shard.</param>
internal readonly record struct DeaggregationResult(CheckpointPosition End, int Foreign);

/// <summary>
/// Turns the records of an answer into user records: each KPL aggregate becomes the records in it, as further entries of the
/// answer's table that point into the same bytes. What becomes of a user record that belongs to another shard by its hash key is said by
/// <see cref="ForeignRecords"/>. All else is passed on as it came.
/// </summary>
/// <param name="range">The shard's hash keys; null where they are not known, and then nothing is left out.</param>
/// <param name="foreign">What becomes of user records with other hash keys.</param>
internal sealed class Deaggregation(HashKeyRange? range, ForeignRecords foreign = ForeignRecords.Auto)
{
    private const int KeysOnStack = 128;

    /// <summary>So many records of other producers are looked at, until one of another shard is found: each costs a hash.</summary>
    private const int MostLookedAt = 1000;

    private int _lookedAt;

    private readonly HashKeyRange? _range = foreign != ForeignRecords.Deliver
            && range is { StartingHashKey: var first, EndingHashKey: var last } && (first != UInt128.MinValue || last != UInt128.MaxValue)
        ? range
        : null;

    /// <summary>True once a record was seen that belongs to another shard and is delivered, since its producer knows no shards.</summary>
    public bool HasDelivered { get; private set; }

    /// <summary>Rewrites the table of an answer that has records.</summary>
    /// <param name="response">The answer, still as the service gave it.</param>
    /// <param name="done">A checkpoint that the answer was asked for AT: its record, or the part of its aggregate, is dropped.</param>
    public DeaggregationResult Apply(GetRecordsResponse response, CheckpointPosition done = default)
    {
        bool resuming = done.Kind == CheckpointKind.Record;
        if (!resuming && (!response.MayHoldAggregates || !HasAggregates(response)))
        {
            return new DeaggregationResult(new KinesisRecord(response, response.Count - 1).Position, 0);
        }

        SequenceNumber last = response.GetSequenceNumber(response.Count - 1);
        var table = new EntryTable(response.Count);
        int leftOut = 0;
        int lastSubSequenceNumber = 0;
        for (int i = 0; i < response.Count; i++)
        {
            // sub-sequence numbers up to this one are done
            long doneHere = -1;
            if (resuming)
            {
                int order = response.GetSequenceNumber(i).CompareTo(done.SequenceNumber);
                resuming = order <= 0;
                doneHere = order == 0 ? done.SubSequenceNumber : -1;
            }

            ref readonly RecordEntry entry = ref response.Entry(i);
            ReadOnlySpan<byte> data = response.GetDataSpan(i);
            if (AggregatedRecordReader.TryMeasure(data, out AggregateShape shape))
            {
                table.Reserve(shape.Records + response.Count - i);
                leftOut += AddAll(data, shape, response.GetPartitionKeyUtf8(i), in entry, doneHere, ref table);
                lastSubSequenceNumber = shape.Records - 1;
                continue;
            }

            // A sub-sequence number above 0 was an aggregate's; this record was not read as one then, so it is not done. Records that come
            // unpacked already, as saved ones do, say their place themselves.
            if (entry.SubSequenceNumber == RecordEntry.NotAggregated ? doneHere != 0 : entry.SubSequenceNumber > doneHere)
            {
                table.Add(in entry);
            }

            lastSubSequenceNumber = 0;
        }

        response.ReplaceEntries(table.Entries, table.Count);
        return new DeaggregationResult(CheckpointPosition.At(last, lastSubSequenceNumber), leftOut);
    }

    private static bool HasAggregates(GetRecordsResponse response)
    {
        for (int i = 0; i < response.Count; i++)
        {
            if (AggregatedRecordReader.HasMagic(response.GetDataSpan(i)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Adds an aggregate's records; the number of those that belong elsewhere.</summary>
    [SkipLocalsInit]
    private int AddAll(
        ReadOnlySpan<byte> aggregate,
        AggregateShape shape,
        ReadOnlySpan<byte> outerKey,
        ref readonly RecordEntry whole,
        long done,
        ref EntryTable table)
    {
        AggregateKey[]? rented = shape.Keys > KeysOnStack ? ArrayPool<AggregateKey>.Shared.Rent(shape.Keys) : null;
        Span<AggregateKey> keys = rented ?? stackalloc AggregateKey[KeysOnStack];
        int leftOut = 0;
        int subSequenceNumber = 0;
        bool mayLeaveOut = true;
        var reader = new AggregatedRecordReader(aggregate, shape, keys);
        for (; reader.MoveNext(out AggregatedRecord record); subSequenceNumber++)
        {
            AggregateKey partitionKey = keys[record.PartitionKey];
            if (subSequenceNumber == 0 && foreign == ForeignRecords.Auto)
            {
                mayLeaveOut = IsOfKpl(outerKey, aggregate.Slice(partitionKey.Offset, partitionKey.Length));
            }

            if (subSequenceNumber <= done)
            {
                continue;
            }

            AggregateKey explicitHashKey = record.ExplicitHashKey < 0 ? default : keys[record.ExplicitHashKey];
            bool isExplicit = explicitHashKey.Length > 0;
            if (mayLeaveOut && !IsInside(aggregate, ref keys[isExplicit ? record.ExplicitHashKey : record.PartitionKey], isExplicit))
            {
                leftOut++;
                continue;
            }

            if (!mayLeaveOut && _range is not null && _lookedAt < MostLookedAt)
            {
                HasDelivered = !IsInside(aggregate, ref keys[isExplicit ? record.ExplicitHashKey : record.PartitionKey], isExplicit);
                _lookedAt = HasDelivered ? MostLookedAt : _lookedAt + 1;
            }

            RecordEntry entry = whole;
            entry.DataOffset = whole.DataOffset + record.DataOffset;
            entry.DataLength = record.DataLength;
            entry.PartitionKeyOffset = whole.DataOffset + partitionKey.Offset;
            entry.PartitionKeyLength = partitionKey.Length;
            entry.ExplicitHashKeyOffset = isExplicit ? whole.DataOffset + explicitHashKey.Offset : 0;
            entry.ExplicitHashKeyLength = explicitHashKey.Length;
            entry.SubSequenceNumber = subSequenceNumber;
            table.Add(in entry);
        }

        if (rented is not null)
        {
            ArrayPool<AggregateKey>.Shared.Return(rented);
        }

        return leftOut;
    }

    /// <summary>
    /// True where the Kinesis Producer Library made the aggregate: for two records or more it sets this partition key, beside an explicit
    /// hash key (seen with KPL 1.0.4). Other libraries take the first user record's key.
    /// </summary>
    private static bool IsOfKpl(ReadOnlySpan<byte> outerKey, ReadOnlySpan<byte> firstKey) =>
        outerKey.SequenceEqual("a"u8) && !firstKey.SequenceEqual("a"u8);

    /// <summary>Whether a key's records belong here; worked out once per key of the aggregate's tables.</summary>
    private bool IsInside(ReadOnlySpan<byte> aggregate, ref AggregateKey key, bool isExplicit)
    {
        if (_range is null)
        {
            return true;
        }

        if (key.Place == HashKeyPlace.Unknown)
        {
            ReadOnlySpan<byte> text = aggregate.Slice(key.Offset, key.Length);
            UInt128 hashKey = isExplicit ? UInt128.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : HashKeys.Of(text);
            key.Place = _range.Contains(hashKey) ? HashKeyPlace.Inside : HashKeyPlace.Outside;
        }

        return key.Place == HashKeyPlace.Inside;
    }

    /// <summary>The new entries: a rented array that grows.</summary>
    private ref struct EntryTable(int capacity)
    {
        public RecordEntry[] Entries { get; private set; } = PagePool<RecordEntry>.Shared.Rent(capacity);

        public int Count { get; private set; }

        /// <summary>Makes room for further entries.</summary>
        public void Reserve(int more)
        {
            if (more <= Entries.Length - Count)
            {
                return;
            }

            RecordEntry[] larger = PagePool<RecordEntry>.Shared.Rent(Math.Max(Count + more, Entries.Length * 2));
            Entries.AsSpan(0, Count).CopyTo(larger);
            PagePool<RecordEntry>.Shared.Return(Entries);
            Entries = larger;
        }

        public void Add(ref readonly RecordEntry entry) => Entries[Count++] = entry;
    }
}
