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

    /// <summary>What both began with, unless one was cleared since, then what each has appended.</summary>
    public override bool TryMerge(
        ListCells<T> a, ListCells<T> b, bool hasCommon, ListCells<T> common, out ListCells<T> merged)
    {
        int ofA = hasCommon && StartsWith(a, common) ? common.Count : 0;
        int ofB = hasCommon && StartsWith(b, common) ? common.Count : 0;
        merged = default;
        if (ofA > 0 && ofB > 0)
        {
            Append(common, 0, ref merged);
        }

        Append(a, ofA, ref merged);
        Append(b, ofB, ref merged);
        return true;
    }

    private static void Append(ListCells<T> from, int first, ref ListCells<T> to)
    {
        for (int i = first; i < from.Count; i++)
        {
            to.Add(from.Items![i]);
        }
    }

    private bool StartsWith(ListCells<T> list, ListCells<T> start)
    {
        if (list.Count < start.Count)
        {
            return false;
        }

        var one = new ArrayBufferWriter<byte>();
        var other = new ArrayBufferWriter<byte>();
        Write(list with { Count = start.Count }, one);
        Write(start, other);
        return one.WrittenSpan.SequenceEqual(other.WrittenSpan);
    }
}
