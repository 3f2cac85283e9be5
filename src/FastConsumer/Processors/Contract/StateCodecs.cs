using System.Buffers;
using System.Text;
using FastConsumer.State;
using FastConsumer.State.Format;

namespace FastConsumer.Processors;

/// <summary>The values of a state as its serializer and its migrations read and write them.</summary>
internal sealed class ValueCodec<T>(
    string state, IStateSerializer<T> serializer, StateMerger<T>? merge, IEnumerable<StateMigration<T>> migrations) : StateCodec<T>
{
    private readonly StateMigration<T>[] _migrations = [.. migrations.OrderBy(static migration => migration.From)];

    public override void Write(T value, IBufferWriter<byte> output) => serializer.Write(value, output);

    public override T Read(in StoredValue value, ReadOnlySpan<byte> partitionKeyUtf8)
    {
        try
        {
            return Read(value.Span, value.Version);
        }
        catch (Exception e)
        {
            throw Unreadable(state, value.Version, partitionKeyUtf8, e);
        }
    }

    public override bool TryMerge(T a, T b, bool hasCommon, T? common, out T merged)
    {
        merged = merge is null ? default! : merge(a, b, hasCommon, common);
        return merge is not null;
    }

    public T Read(ReadOnlySpan<byte> bytes, int version)
    {
        foreach (StateMigration<T> migration in _migrations)
        {
            if (migration.From >= version)
            {
                return migration.Read(bytes);
            }
        }

        return serializer.Read(bytes);
    }

    // neither the value nor what the serializer says of it, which may quote it, stands in the message
    public static StateUnreadableException Unreadable(string state, int version, ReadOnlySpan<byte> partitionKeyUtf8, Exception cause)
    {
        string key = Encoding.UTF8.GetString(partitionKeyUtf8);
        return new StateUnreadableException(
            state,
            key,
            $"The value of state '{state}' for partition key '{key}', stored under StateVersion {version}, does not deserialize: "
                + $"{cause.GetType().Name}. If the state's type has changed, raise StateVersion and add a method with "
                + $"[StateMigration(\"{state}\", From = {version})]; else correct the serializer. The shard goes on with this record then.",
            cause);
    }
}

/// <summary>A list as one value: for each of its values the length and the bytes.</summary>
internal sealed class ListCodec<T>(string state, ValueCodec<T> items) : StateCodec<ListCells<T>>
{
    private readonly ArrayBufferWriter<byte> _item = new();

    public override void Write(ListCells<T> value, IBufferWriter<byte> output)
    {
        for (int i = 0; i < value.Count; i++)
        {
            _item.ResetWrittenCount();
            items.Write(value.Items![i], _item);
            for (uint length = (uint)_item.WrittenCount; ; length >>= 7)
            {
                output.Write([(byte)(length > 0x7f ? length | 0x80 : length)]);
                if (length <= 0x7f)
                {
                    break;
                }
            }

            output.Write(_item.WrittenSpan);
        }
    }

    public override ListCells<T> Read(in StoredValue value, ReadOnlySpan<byte> partitionKeyUtf8)
    {
        if (value.Source is null)
        {
            return default;
        }

        try
        {
            var reader = new ByteReader(value.Source.Bytes, value.Offset, value.Offset + value.Length);
            ListCells<T> cells = default;
            while (reader.Position < reader.End)
            {
                cells.Add(items.Read(reader.Span(reader.Bytes()), value.Version));
            }

            return cells;
        }
        catch (Exception e)
        {
            throw ValueCodec<T>.Unreadable(state, value.Version, partitionKeyUtf8, e);
        }
    }

    /// <summary>
    /// What both began with and what each has appended since. A list that does not hold all it began with was cleared: then that is gone.
    /// </summary>
    public override bool TryMerge(
        ListCells<T> a, ListCells<T> b, bool hasCommon, ListCells<T> common, out ListCells<T> merged)
    {
        bool isKeptByB = TryLeaveOut(hasCommon ? common : default, b, out ListCells<T> ofB);
        merged = default;
        Append(!isKeptByB && TryLeaveOut(common, a, out ListCells<T> ofA) ? ofA : a, ref merged);
        Append(isKeptByB ? ofB : b, ref merged);
        return true;
    }

    private static void Append(ListCells<T> from, ref ListCells<T> to)
    {
        for (int i = 0; i < from.Count; i++)
        {
            to.Add(from.Items![i]);
        }
    }

    /// <summary>The list without other values that come in it in their order; false where they do not.</summary>
    private bool TryLeaveOut(ListCells<T> others, ListCells<T> list, out ListCells<T> rest)
    {
        var one = new ArrayBufferWriter<byte>();
        var other = new ArrayBufferWriter<byte>();
        rest = default;
        int found = 0;
        for (int i = 0; i < list.Count; i++)
        {
            if (found < others.Count)
            {
                one.ResetWrittenCount();
                other.ResetWrittenCount();
                items.Write(list.Items![i], one);
                items.Write(others.Items![found], other);
                if (one.WrittenSpan.SequenceEqual(other.WrittenSpan))
                {
                    found++;
                    continue;
                }
            }

            rest.Add(list.Items![i]);
        }

        return found == others.Count;
    }
}
