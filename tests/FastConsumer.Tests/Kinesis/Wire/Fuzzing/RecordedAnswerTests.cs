using System.Buffers;
using System.Text;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis.Wire.Fuzzing;

/// <summary>What the servers sent is read as what was put.</summary>
public class RecordedAnswerTests
{
    private static readonly string[] s_keys = ["key-1", "schlüssel", "😀", "a\"b\\c\n", new('x', 200)];
    private static readonly int[] s_lengths = [1, 2, 3, 40, 100, 300, 5, 64];

    [Theory]
    [InlineData("kinesis-local")]
    [InlineData("kinesis-local-end")]
    [InlineData("kinesalite")]
    public void Both_encodings_say_the_same(string name)
    {
        Dictionary<string, (string Number, string Key, string Data)[]> read = [];
        foreach (string extension in (string[])["json", "cbor"])
        {
            RecordedAnswer answer = RecordedAnswer.Named($"{name}.{extension}");
            byte[] buffer = [.. answer.Bytes];
            DecodedRecords decoded = GetRecordsDecoder.Decode(answer.Format, buffer, ArrayPool<RecordEntry>.Shared);
            Assert.Equal(name.EndsWith("end", StringComparison.Ordinal), decoded.NextShardIterator is null);
            Assert.Equal(name.EndsWith("end", StringComparison.Ordinal) ? 2 : 0, decoded.ChildShards.Items.Count);
            read[extension] = [.. decoded.Entries.Take(decoded.Count).Select(entry => (
                Encoding.UTF8.GetString(buffer, entry.SequenceNumberOffset, entry.SequenceNumberLength),
                Encoding.UTF8.GetString(buffer, entry.PartitionKeyOffset, entry.PartitionKeyLength),
                Convert.ToHexString(buffer, entry.DataOffset, entry.DataLength)))];
        }

        Assert.Equal(read["json"], read["cbor"]);
        Assert.Equal(s_lengths, read["json"].Select(static record => record.Data.Length / 2));
        Assert.Equal(s_lengths.Select(static (_, i) => s_keys[i % s_keys.Length]), read["json"].Select(static record => record.Key));
    }

    [Fact]
    public void A_truncated_answer_is_refused()
    {
        RecordedAnswer answer = RecordedAnswer.Named("kinesalite-truncated.cbor");
        Assert.False(DecodingOracle.Check(answer.Format, answer.Bytes));
    }

    [Fact]
    public void No_prefix_of_an_answer_is_taken_for_one()
    {
        foreach (RecordedAnswer answer in RecordedAnswer.All)
        {
            for (int length = 0; length < answer.Bytes.Length; length++)
            {
                Assert.False(DecodingOracle.Check(answer.Format, answer.Bytes[..length]), $"{answer.Name} cut at {length} was decoded.");
            }
        }
    }
}
