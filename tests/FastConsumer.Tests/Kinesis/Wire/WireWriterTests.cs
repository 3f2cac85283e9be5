using System.Buffers;
using System.Text;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis.Wire;

public class WireWriterTests
{
    [Fact]
    public void Writes_cbor_as_the_Java_SDKs_do()
    {
        byte[] expected = new CborBytes().OpenMap()
            .Text("Text").Text("ä")
            .Text("Small").Integer(23)
            .Text("Byte").Integer(200)
            .Text("Negative").Integer(-1000)
            .Text("Large").Integer(long.MaxValue)
            .Text("Yes").Raw(0xF5)
            .Text("No").Raw(0xF4)
            .Text("Blob").Blob(1, 2, 3)
            .Text("Time").Tag(1).Integer(1_787_036_486_712)
            .Text("List").OpenArray().Text(new string('x', 300)).Break()
            .Break().ToArray();
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(Write(WireFormat.Cbor)));
    }

    [Fact]
    public void Writes_json_with_base64_and_epoch_seconds()
    {
        string json = Encoding.UTF8.GetString(Write(WireFormat.Json));
        Assert.Equal(
            """{"Text":"\u00E4","Small":23,"Byte":200,"Negative":-1000,"Large":9223372036854775807,"Yes":true,"No":false,"Blob":"AQID","Time":1787036486.712,"List":[" """.TrimEnd()
            + new string('x', 300) + "\"]}",
            json);
    }

    [Fact]
    public void The_tree_reads_what_either_writer_wrote()
    {
        foreach (WireFormat format in Enum.GetValues<WireFormat>())
        {
            WireValue value = WireValue.Decode(format, Write(format));
            Assert.Equal("ä", value["Text"].AsText());
            Assert.Equal(-1000, value["Negative"].AsInteger());
            Assert.Equal(long.MaxValue, value["Large"].AsInteger());
            Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1_787_036_486_712), value["Time"].AsTimestamp());
            Assert.Equal(300, Assert.Single(value["List"].Items).AsText()!.Length);
            Assert.True(value["Missing"]["Deeper"].IsNull);
            Assert.Null(value["Missing"].AsText());
            Assert.Null(value["Missing"].AsInteger());
            Assert.Null(value["Missing"].AsTimestamp());
            Assert.Empty(value["Missing"].Items);
            Assert.Throws<WireFormatException>(() => value["Text"].AsInteger());
            Assert.Throws<WireFormatException>(() => value["Text"].AsTimestamp());
            Assert.Throws<WireFormatException>(() => value["Text"].Items);
            Assert.Throws<WireFormatException>(() => value["Small"].AsText());
        }
    }

    [Fact]
    public void An_empty_body_is_null() => Assert.True(WireValue.Decode(WireFormat.Cbor, []).IsNull);

    [Theory]
    [InlineData("application/x-amz-cbor-1.1", "{\"a\":1}", WireFormat.Json)]
    [InlineData("application/x-amz-json-1.1", " \n{}", WireFormat.Json)]
    [InlineData("application/x-amz-json-1.1", "\u00A0", WireFormat.Cbor)]
    [InlineData(null, "\u00BF", WireFormat.Cbor)]
    [InlineData("application/x-amz-cbor-1.1", "", WireFormat.Cbor)]
    [InlineData("application/json", "", WireFormat.Json)]
    [InlineData("text/html", "<html>", null)]
    [InlineData("application/x-amz-json-1.1", "<html>", null)]
    [InlineData(null, "", null)]
    public void The_first_byte_tells_the_format(string? mediaType, string latin1Body, object? expected) =>
        Assert.Equal((WireFormat?)expected, WireFormats.Detect(mediaType, Encoding.Latin1.GetBytes(latin1Body)));

    private static byte[] Write(WireFormat format)
    {
        var output = new ArrayBufferWriter<byte>();
        using (WireWriter writer = WireWriter.Create(format, output))
        {
            writer.StartMap();
            writer.Member("Text", "ä");
            writer.Member("Small", 23);
            writer.Member("Byte", 200);
            writer.Member("Negative", -1000);
            writer.Member("Large", long.MaxValue);
            writer.Member("Yes", true);
            writer.Member("No", false);
            writer.Name("Blob");
            writer.Blob([1, 2, 3]);
            writer.Name("Time");
            writer.Timestamp(1_787_036_486_712);
            writer.Name("List");
            writer.StartArray();
            writer.Text(new string('x', 300));
            writer.EndArray();
            writer.EndMap();
        }

        return output.WrittenSpan.ToArray();
    }
}
