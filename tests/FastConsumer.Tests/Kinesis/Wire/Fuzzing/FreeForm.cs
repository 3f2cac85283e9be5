using System.Globalization;
using System.Text;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis.Wire.Fuzzing;

/// <summary>Writes an answer in any of the forms that its format allows, as chance says: all of them mean the same.</summary>
internal sealed class FreeForm(Random random)
{
    public byte[] Encode(WireFormat format, IReadOnlyList<SampleRecord> records, string? iterator, long behind) =>
        format == WireFormat.Cbor ? Cbor(records, iterator, behind) : Encoding.UTF8.GetBytes(Json(records, iterator, behind));

    private bool Sometimes() => random.Next(4) == 0;

    private T[] Shuffled<T>(IEnumerable<T> items)
    {
        T[] all = [.. items];
        if (Sometimes())
        {
            random.Shuffle(all);
        }

        return all;
    }

    private byte[] Cbor(IReadOnlyList<SampleRecord> records, string? iterator, long behind)
    {
        var cbor = new CborBytes();
        List<Action> members =
        [
            () => Items(cbor, "Records", [.. records.Select<SampleRecord, Action>(record => () => Record(cbor, record))]),
            () => Member(cbor, "MillisBehindLatest", () => cbor.Integer(behind)),
        ];
        if (iterator is not null || Sometimes())
        {
            members.Add(() => Member(cbor, "NextShardIterator", () => _ = iterator is null ? cbor.Null() : Text(cbor, iterator)));
        }

        Map(cbor, members);
        return cbor.ToArray();
    }

    private void Record(CborBytes cbor, SampleRecord record)
    {
        List<Action> members =
        [
            () => Member(cbor, "SequenceNumber", () => Text(cbor, record.SequenceNumber)),
            () => Member(cbor, "ApproximateArrivalTimestamp", () => Time(cbor, record.ArrivalMilliseconds)),
            () => Member(cbor, "Data", () => Blob(cbor, record.Data)),
            () => Member(cbor, "PartitionKey", () => Text(cbor, record.PartitionKey)),
        ];
        if (Sometimes())
        {
            members.Add(() => Member(cbor, "EncryptionType", () => Text(cbor, "KMS")));
        }

        Map(cbor, members);
    }

    private void Map(CborBytes cbor, List<Action> members)
    {
        if (Sometimes())
        {
            members.Add(() => Member(cbor, "Future", () => cbor.Map(1).Text("a").Array(2).Integer(-1).Blob(1, 2)));
        }

        bool isOpen = Sometimes();
        _ = isOpen ? cbor.OpenMap() : cbor.Map(members.Count);
        foreach (Action member in Shuffled(members))
        {
            member();
        }

        if (isOpen)
        {
            cbor.Break();
        }
    }

    private void Items(CborBytes cbor, string name, Action[] items) => Member(cbor, name, () =>
    {
        bool isOpen = Sometimes();
        _ = isOpen ? cbor.OpenArray() : cbor.Array(items.Length);
        foreach (Action item in items)
        {
            item();
        }

        if (isOpen)
        {
            cbor.Break();
        }
    });

    private void Member(CborBytes cbor, string name, Action value)
    {
        Text(cbor, name);
        value();
    }

    private CborBytes Text(
        CborBytes cbor, string text) => Sometimes() && text.Length > 0 ? cbor.ChunkedText(text, random.Next(1, 20)) : cbor.Text(text);

    private void Blob(CborBytes cbor, byte[] data)
    {
        _ = random.Next(6) switch
        {
            0 => cbor.ChunkedBlob(data, random.Next(1, 20)),
            1 => Text(cbor, Convert.ToBase64String(data)),
            2 => cbor.Tag(22).Blob(data),
            _ => cbor.Blob(data),
        };
    }

    private void Time(CborBytes cbor, long milliseconds)
    {
        if (Sometimes())
        {
            cbor.Tag(1);
        }

        // in floating point, seconds below 1e11 and milliseconds above it
        _ = milliseconds > 100_000_000_000 && Sometimes() ? cbor.Double(milliseconds)
            : Sometimes() ? cbor.Raw(
                0x1B, (byte)(milliseconds >> 56), (byte)(milliseconds >> 48), (byte)(milliseconds >> 40), (byte)(milliseconds >> 32),
                (byte)(milliseconds >> 24), (byte)(milliseconds >> 16), (byte)(milliseconds >> 8), (byte)milliseconds)
            : cbor.Integer(milliseconds);
    }

    private string Json(IReadOnlyList<SampleRecord> records, string? iterator, long behind)
    {
        List<string> members = [
            Member("Records", Items(records.Select(Record))), Member("MillisBehindLatest", behind.ToString(CultureInfo.InvariantCulture))];
        if (iterator is not null || Sometimes())
        {
            members.Add(Member("NextShardIterator", iterator is null ? "null" : Text(iterator)));
        }

        return Space() + Map(members) + Space();
    }

    private string Record(SampleRecord record)
    {
        List<string> members =
        [
            Member("SequenceNumber", Text(record.SequenceNumber)),
            Member("ApproximateArrivalTimestamp", Time(record.ArrivalMilliseconds)),
            Member("Data", Text(Convert.ToBase64String(record.Data))),
            Member("PartitionKey", Text(record.PartitionKey)),
        ];
        if (Sometimes())
        {
            members.Add(Member("EncryptionType", Text("KMS")));
        }

        return Map(members);
    }

    private string Map(List<string> members)
    {
        if (Sometimes())
        {
            members.Add(Member("Future", """{"a":[1,{"b":null},"}"]}"""));
        }

        return $"{{{Space()}{string.Join($"{Space()},{Space()}", Shuffled(members))}{Space()}}}";
    }

    private string Items(IEnumerable<string> items) => $"[{Space()}{string.Join($"{Space()},{Space()}", items)}{Space()}]";

    private string Member(string name, string value) => $"{Text(name)}{Space()}:{Space()}{value}";

    private string Space() => random.Next(30) == 0 ? " \r\n\t"[random.Next(4)].ToString() : "";

    private string Text(string text)
    {
        bool escapesFreely = Sometimes();
        var json = new StringBuilder("\"");
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value is '"' or '\\' or < ' ' || (escapesFreely && Sometimes()))
            {
                // of a pair both halves, or neither
                foreach (char c in rune.ToString())
                {
                    json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                }
            }
            else
            {
                json.Append(rune);
            }
        }

        return json.Append('"').ToString();
    }

    private string Time(long milliseconds)
    {
        string seconds = (milliseconds / 1000m).ToString(CultureInfo.InvariantCulture);
        return random.Next(3) switch
        {
            0 => seconds,
            1 => (milliseconds / 1000.0).ToString("E15", CultureInfo.InvariantCulture),
            // as the service writes it: 1.787036486712E9
            _ => milliseconds is >= 1_000_000_000_000 and <= 9_999_999_999_999
                ? $"{(milliseconds / 1_000_000_000_000m).ToString(CultureInfo.InvariantCulture)}E9"
                : seconds,
        };
    }
}
