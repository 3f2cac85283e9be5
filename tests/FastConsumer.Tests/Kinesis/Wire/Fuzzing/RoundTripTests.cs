using System.Text;
using FastConsumer.Kinesis.Wire;
using FsCheck;
using FsCheck.Fluent;

namespace FastConsumer.Tests.Kinesis.Wire.Fuzzing;

/// <summary>Properties: whatever the records and whatever the form they are written in, they are read as they were.</summary>
public class RoundTripTests
{
    private static readonly DateTimeOffset s_last = new(9999, 12, 31, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("Cbor")]
    [InlineData("Json")]
    public void Any_records_in_any_form_are_read_as_they_were(string format)
    {
        Gen<Answer> answers =
            from records in Records.ListOf()
            from iterator in Gen.Elements<string?>(null, "", "iterator", "\"\\ü😀")
            from behind in Gen.Choose(0, int.MaxValue)
            from form in Gen.Choose(0, int.MaxValue)
            select new Answer([.. records], iterator, behind, form);
        Prop.ForAll(answers.ToArbitrary(), answer => IsReadAsItWas(Enum.Parse<WireFormat>(format), answer))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(1000).WithQuietOnSuccess(true));
    }

    private static Gen<SampleRecord> Records =>
        from digits in Gen.Choose(1, 129)
        from seed in Gen.Choose(0, int.MaxValue)
        from length in Gen.Frequency((8, Gen.Choose(0, 60)), (3, Gen.Choose(0, 2000)), (1, Gen.Choose(0, 70_000)))
        from key in Gen.OneOf(
            Gen.Elements("k", "key-1", "", "schlüssel", "😀😀", "\"\\\b\f\n\r\t/", "\u0001", "é\u20AC"),
            Gen.Choose(1, 256).Select(static n => new string('x', n)))
        from time in Gen.Frequency(
            (5, Gen.Choose(0, int.MaxValue).Select(static n => 1_700_000_000_000L + n)),
            (1, Gen.Choose(0, int.MaxValue).Select(static n => s_last.ToUnixTimeMilliseconds() / int.MaxValue * n)))
        select Make(digits, seed, length, key, time);

    private static SampleRecord Make(int digits, int seed, int length, string key, long time)
    {
        var random = new Random(seed);
        byte[] data = new byte[length];
        random.NextBytes(data);
        char[] number = [.. Enumerable.Range(0, digits).Select(i => (char)('0' + random.Next(i == 0 ? 1 : 0, 10)))];
        return new SampleRecord(new string(number), key, data, time);
    }

    private static void IsReadAsItWas(WireFormat format, Answer answer)
    {
        byte[] buffer = new FreeForm(new Random(answer.Form)).Encode(format, answer.Records, answer.Iterator, answer.Behind);
        Assert.True(DecodingOracle.Check(format, buffer));
        DecodedRecords decoded = GetRecordsDecoder.Decode(format, buffer, System.Buffers.ArrayPool<RecordEntry>.Shared);
        Assert.Equal(answer.Records.Count, decoded.Count);
        Assert.Equal(answer.Iterator, SampleAnswers.Iterator(decoded, buffer));
        Assert.Equal(answer.Behind, decoded.MillisBehindLatest);
        Assert.Equal(
            answer.Records.Sum(static record => record.Data.Length + Encoding.UTF8.GetByteCount(record.PartitionKey)),
            decoded.PayloadBytes);
        for (int i = 0; i < decoded.Count; i++)
        {
            SampleAnswers.AssertSame(answer.Records[i], decoded.Entries[i], buffer);
        }
    }

    private sealed record Answer(IReadOnlyList<SampleRecord> Records, string? Iterator, long Behind, int Form);
}
