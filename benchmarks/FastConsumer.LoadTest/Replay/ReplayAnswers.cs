using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace FastConsumer.LoadTest.Replay;

/// <summary>
/// Precomputed answers of GetRecords: a few pages of records with growing sequence numbers, served in turn behind a small head
/// that holds the next iterator. The sequence number of an answer's last record grows on from answer to answer, so that a shard
/// has something new to checkpoint as long as it is read. Members come in the order in which the service sends them.
/// </summary>
internal sealed class ReplayAnswers
{
    private const int Pages = 4;
    private const int Keys = 10_000;
    private const long FirstArrival = 1_787_036_486_712;

    /// <summary>The last digits of a sequence number, which count the records.</summary>
    private const int CountedDigits = 12;

    // each with the place of its last record's counted digits
    private readonly (byte[] Bytes, int LastCount)[] _pages;

    public ReplayAnswers(bool isCbor, int recordsPerAnswer, int recordSize)
    {
        IsCbor = isCbor;
        RecordsPerAnswer = recordsPerAnswer;
        var random = new Random(1);
        _pages = [.. Enumerable.Range(0, Pages).Select(page => isCbor ? CborPage(page) : JsonPage(page))];

        (byte[] Bytes, int LastCount) CborPage(int page)
        {
            int lastCount = 0;
            var output = new ArrayBufferWriter<byte>(recordsPerAnswer * (recordSize + 160));
            output.Write("gRecords"u8);
            CborHead(output, 4, recordsPerAnswer);
            foreach ((string number, long arrival, string key, byte[] data) in Records(page))
            {
                CborHead(output, 5, 4);
                CborText(output, "SequenceNumber");
                CborText(output, number);
                lastCount = output.WrittenCount - CountedDigits;
                CborText(output, "ApproximateArrivalTimestamp");
                output.Write((ReadOnlySpan<byte>)[0xC1, 0x1B]);
                BinaryPrimitives.WriteInt64BigEndian(output.GetSpan(8), arrival);
                output.Advance(8);
                CborText(output, "Data");
                CborHead(output, 2, data.Length);
                output.Write(data);
                CborText(output, "PartitionKey");
                CborText(output, key);
            }

            return (output.WrittenSpan.ToArray(), lastCount);
        }

        (byte[] Bytes, int LastCount) JsonPage(int page)
        {
            int lastCount = 0;
            var output = new ArrayBufferWriter<byte>(recordsPerAnswer * ((recordSize * 4 / 3) + 180));
            output.Write("\"Records\":["u8);
            string separator = "";
            foreach ((string number, long arrival, string key, byte[] data) in Records(page))
            {
                string time = (arrival / 1000m).ToString(CultureInfo.InvariantCulture);
                Text(output, $"{separator}{{\"SequenceNumber\":\"{number}");
                lastCount = output.WrittenCount - CountedDigits;
                Text(
                    output,
                    $"\",\"ApproximateArrivalTimestamp\":{time},\"Data\":\"{Convert.ToBase64String(data)}\",\"PartitionKey\":\"{key}\"}}");
                separator = ",";
            }

            output.Write("]}"u8);
            return (output.WrittenSpan.ToArray(), lastCount);
        }

        IEnumerable<(string Number, long Arrival, string Key, byte[] Data)> Records(int page)
        {
            // of each page in another order: whoever keeps something by key does not meet it in the order in which it lies
            int[] keys = [.. Enumerable.Range(0, Keys)];
            random.Shuffle(keys);
            for (int i = 0; i < recordsPerAnswer; i++)
            {
                long index = ((long)page * recordsPerAnswer) + i;
                byte[] data = new byte[recordSize];
                random.NextBytes(data);
                yield return (
                    string.Create(CultureInfo.InvariantCulture, $"49680390572284935475361755318913199194853266{index:D12}"),
                    FirstArrival + index,
                    string.Create(CultureInfo.InvariantCulture, $"key-{keys[i % Keys]:D4}"),
                    data);
            }
        }
    }

    /// <summary>One answer in one piece.</summary>
    public static byte[] Whole(bool isCbor, int records, int size)
    {
        var answers = new ReplayAnswers(isCbor, records, size);
        Span<byte> start = stackalloc byte[512];
        return [.. start[..answers.WriteStart(start, 0)], .. answers.Page(0).Span, .. answers.End(0)];
    }

    public bool IsCbor { get; }

    public int RecordsPerAnswer { get; }

    /// <summary>The part of an answer that is the same whenever it comes.</summary>
    public ReadOnlyMemory<byte> Page(long answer)
    {
        (byte[] bytes, int lastCount) = _pages[answer % Pages];
        return bytes.AsMemory(0, lastCount);
    }

    /// <summary>The part behind it: from the count of the last record on.</summary>
    public byte[] End(long answer)
    {
        (byte[] bytes, int lastCount) = _pages[answer % Pages];
        byte[] end = bytes[lastCount..];
        ReplayToken.WriteNumber(end.AsSpan(0, CountedDigits), ((answer + 1) * RecordsPerAnswer) - 1);
        return end;
    }

    /// <summary>The part in front of it: behind which iterator to go on.</summary>
    public int WriteStart(Span<byte> destination, long answer)
    {
        int length = 0;
        Put(destination, ref length, IsCbor ? [0xA3, 0x71] : "{\""u8);
        Put(destination, ref length, "NextShardIterator"u8);
        Put(destination, ref length, IsCbor ? [0x78, ReplayToken.Length] : "\":\""u8);
        ReplayToken.Write(destination[length..], answer + 1);
        length += ReplayToken.Length;
        Put(destination, ref length, IsCbor ? [0x72] : "\",\""u8);
        Put(destination, ref length, "MillisBehindLatest"u8);
        Put(destination, ref length, IsCbor ? [0x19, 0x03, 0xE8] : "\":1000,"u8);
        return length;
    }

    private static void Put(Span<byte> destination, ref int length, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(destination[length..]);
        length += bytes.Length;
    }

    private static void Text(ArrayBufferWriter<byte> output, string text) => Encoding.UTF8.GetBytes(text, output);

    private static void CborText(ArrayBufferWriter<byte> output, string text)
    {
        CborHead(output, 3, text.Length);
        Text(output, text);
    }

    private static void CborHead(ArrayBufferWriter<byte> output, int major, int value)
    {
        int initial = major << 5;
        switch (value)
        {
            case < 24:
                output.Write((ReadOnlySpan<byte>)[(byte)(initial | value)]);
                break;
            case <= byte.MaxValue:
                output.Write((ReadOnlySpan<byte>)[(byte)(initial | 24), (byte)value]);
                break;
            case <= ushort.MaxValue:
                output.Write((ReadOnlySpan<byte>)[(byte)(initial | 25), (byte)(value >> 8), (byte)value]);
                break;
            default:
                output.Write(
                    (ReadOnlySpan<byte>)[(byte)(initial | 26), (byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]);
                break;
        }
    }
}
