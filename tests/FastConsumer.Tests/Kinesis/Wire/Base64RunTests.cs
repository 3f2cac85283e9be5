using System.Text;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis.Wire;

/// <summary>On processors without AVX-512 VBMI the decoder does not use it, and these tests have nothing to say.</summary>
public sealed class Base64RunTests
{
    private const string Behind = "\",\"PartitionKey\":\"AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJKKKKLLLLMMMMNNNNOOOOPPPPQQQQ\"}";

    [Theory]
    [InlineData("\"")]
    [InlineData("\"}")]
    [InlineData(Behind)]
    public void Decodes_any_length_up_to_the_quote_and_makes_it_text_again(string behind)
    {
        if (!Base64Run.IsSupported)
        {
            return;
        }

        var random = new Random(7);
        for (int length = 0; length < 400; length++)
        {
            byte[] data = new byte[length];
            random.NextBytes(data);
            string text = Convert.ToBase64String(data);
            byte[] original = Encoding.ASCII.GetBytes($"before\"{text}{behind}");
            byte[] bytes = (byte[])original.Clone();
            int position = 7;

            Assert.True(Base64Run.TryDecode(bytes, ref position, out Base64Run run));

            Assert.Equal(7 + text.Length + 1, position);
            Assert.Equal(data, bytes.AsSpan(7, run.Length).ToArray());
            Assert.Equal("before\"", Encoding.ASCII.GetString(bytes, 0, 7));
            Assert.Equal(behind, Encoding.ASCII.GetString(bytes, 7 + text.Length, behind.Length));

            run.Undo(bytes);
            Assert.Equal(original, bytes);
        }
    }

    [Fact]
    public void Leaves_everything_as_it_was_where_any_character_is_strange()
    {
        if (!Base64Run.IsSupported)
        {
            return;
        }

        string text = Convert.ToBase64String(Enumerable.Range(0, 151).Select(static i => (byte)(i * 7)).ToArray());
        foreach (char strange in "\\ \n\"=-_\u007f\u0080\u00ff\0")
        {
            for (int at = 0; at < text.Length; at++)
            {
                byte[] original = Encoding.Latin1.GetBytes(text[..at] + strange + text[(at + 1)..] + Behind);
                byte[] bytes = (byte[])original.Clone();
                int position = 0;
                if (Base64Run.TryDecode(bytes, ref position, out Base64Run run))
                {
                    // a quote behind whole groups is an end, and padding may stand where it stood
                    Assert.True((strange == '"' && at % 4 == 0) || (strange == '=' && at >= text.Length - 2), $"'{strange}' at {at}");
                    run.Undo(bytes);
                }
                else
                {
                    Assert.Equal(0, position);
                }

                Assert.Equal(original, bytes);
            }
        }
    }

    [Theory]
    [InlineData("QQ==", true)]
    [InlineData("QR==", false)]
    [InlineData("QUI=", true)]
    [InlineData("QUJ=", false)]
    [InlineData("Q===", false)]
    [InlineData("====", false)]
    [InlineData("QUI", false)]
    public void Padding_is_taken_as_the_framework_takes_it(string text, bool isValid)
    {
        if (!Base64Run.IsSupported)
        {
            return;
        }

        byte[] bytes = Encoding.ASCII.GetBytes(text + "\"");
        int position = 0;
        Assert.Equal(isValid, Base64Run.TryDecode(bytes, ref position, out Base64Run run));
        byte[] general = Encoding.ASCII.GetBytes(text);
        if (isValid)
        {
            Assert.Equal(general.AsSpan(0, InPlace.DecodeBase64(general)).ToArray(), bytes.AsSpan(0, run.Length).ToArray());
        }
        else
        {
            Assert.Throws<WireFormatException>(() => InPlace.DecodeBase64(general));
        }
    }

    [Fact]
    public void A_record_that_turns_out_to_be_of_another_form_is_read_from_its_text()
    {
        string data = Convert.ToBase64String(new byte[500]);
        byte[] answer = Encoding.UTF8.GetBytes($$$"""{"Records":[{"Data":"{{{data}}}","Unknown":[1],"SequenceNumber":"1","PartitionKey":"k"},{"Data":"QUJD","Data":"{{{data}}}","SequenceNumber":"2","PartitionKey":"k"}]}""");
        DecodedRecords decoded = GetRecordsDecoder.Decode(WireFormat.Json, answer, System.Buffers.ArrayPool<RecordEntry>.Shared);
        Assert.Equal(2, decoded.Count);
        foreach (RecordEntry entry in decoded.Entries.AsSpan(0, 2))
        {
            Assert.Equal(new byte[500], answer.AsSpan(entry.DataOffset, entry.DataLength).ToArray());
        }

        System.Buffers.ArrayPool<RecordEntry>.Shared.Return(decoded.Entries);
    }
}
