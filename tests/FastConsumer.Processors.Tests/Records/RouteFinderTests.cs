using System.Text;
using System.Text.Json;

namespace FastConsumer.Processors.Tests.Records;

/// <summary>The finder passes over most of the bytes; it finds what a reader of every token finds.</summary>
public sealed class RouteFinderTests
{
    [Theory]
    [InlineData("""{"type":"a"}""", "a")]
    [InlineData("""  { "type" : "a" } """, "a")]
    [InlineData("{\t\"x\":1,\r\n\"type\"\t:\n\"a\"}", "a")]
    [InlineData("""{"type":"a","type":"b"}""", "a")]
    [InlineData("""{"type":1,"type":"b"}""", null)]
    [InlineData("""{"type":null}""", null)]
    [InlineData("""{"type":{"type":"a"}}""", null)]
    [InlineData("""{"x":{"type":"no"},"y":[{"type":"no"}],"type":"a"}""", "a")]
    [InlineData("""{"x":"type","y":"\"type\":\"no\"","type":"a"}""", "a")]
    [InlineData("""{"x":"{\"type\":\"no\"","type":"a"}""", "a")]
    [InlineData("""{"x":"\\","type":"a"}""", "a")]
    [InlineData("""{"x":"\\\"","type":"a"}""", "a")]
    [InlineData("""{"\"type":"no","type":"a"}""", "a")]
    [InlineData("""{"xtype":"no","typex":"no","typ":"no","":"no"}""", null)]
    [InlineData("""{"t\u0079pe":"a"}""", "a")]
    [InlineData("""{"x\\\"t\u0079pe":"no","\u0074ype":"a"}""", "a")]
    [InlineData("""{"type":"\u0061\/\"\\"}""", "a/\"\\")]
    [InlineData("""{"type":""}""", "")]
    [InlineData("""{}""", null)]
    [InlineData("""{"x":":,{}[]","type":"a"}""", "a")]
    public void The_first_property_of_the_name_counts(string json, string? expected) => Verify(json, expected);

    [Fact]
    public void It_does_not_matter_where_a_block_ends()
    {
        for (int length = 0; length < 200; length++)
        {
            foreach (string filler in new[]
            {
                new string('x', length),
                new string('"', length).Replace("\"", "\\\"", StringComparison.Ordinal),
                new string('\\', 2 * length)
            })
            {
                Verify($$"""{"fill":"{{filler}}","inner":{"type":["type"]},"type":"a"}""", "a");
                Verify($$"""{"fill":["{{filler}}",{"type":"no"}],"t\u0079pe":"a\n"}""", "a\n");
                Verify($$"""{"fill":"{{filler}}"{{new string(' ', length)}}}""", null);
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("[]")]
    [InlineData("\"type\"")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("""{"x":"type""")]
    [InlineData("""{"type":""")]
    [InlineData("""{"type":"a""")]
    [InlineData("""{"type":"a\""")]
    [InlineData("""{"x":{}""")]
    public void What_is_no_object_or_ends_inside_it_is_refused(string json) =>
        Assert.Throws<JsonException>(() => PayloadReader.FindRoute(Encoding.UTF8.GetBytes(json), "type"u8, out _));

    [Fact]
    public void A_long_text_with_escapes_is_compared_too()
    {
        string text = new('ä', 5_000);
        Assert.True(PayloadReader.FindRoute(Encoding.UTF8.GetBytes($$"""{"type":"\u00e4{{text}}"}"""), "type"u8, out RouteText route));
        Assert.True(route.Is(Encoding.UTF8.GetBytes("ä" + text)));
        Assert.False(route.Is(Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    public void Generated_objects_are_read_as_a_reader_of_every_token_reads_them()
    {
        var random = new Random(20_260_101);
        for (int i = 0; i < 20_000; i++)
        {
            var json = new StringBuilder();
            WriteObject(json, random, depth: 0);
            string text = json.ToString();
            Verify(text, Reference(text));
        }
    }

    [Fact]
    public void Bytes_of_any_kind_are_answered_or_refused()
    {
        var random = new Random(4711);
        byte[] alphabet = "{}[]:,\"\\ type a"u8.ToArray();
        for (int i = 0; i < 50_000; i++)
        {
            byte[] json = new byte[random.Next(200)];
            for (int k = 0; k < json.Length; k++)
            {
                json[k] = alphabet[random.Next(alphabet.Length)];
            }

            try
            {
                if (PayloadReader.FindRoute(json, "type"u8, out RouteText route))
                {
                    route.Is("a"u8);
                }
            }
            catch (JsonException)
            {
                // refused
            }
        }
    }

    private static void Verify(string json, string? expected)
    {
        bool found = PayloadReader.FindRoute(Encoding.UTF8.GetBytes(json), "type"u8, out RouteText route);
        Assert.True(found == expected is not null, json);
        if (expected is not null)
        {
            Assert.True(route.Is(Encoding.UTF8.GetBytes(expected)), json);
            Assert.False(route.Is(Encoding.UTF8.GetBytes(expected + "x")), json);
        }
    }

    private static string? Reference(string json)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool found = reader.ValueTextEquals("type"u8);
            reader.Read();
            if (found)
            {
                return reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
            }

            reader.Skip();
        }

        return null;
    }

    private static void WriteObject(StringBuilder json, Random random, int depth)
    {
        json.Append('{').Append(Space(random));
        int count = random.Next(6);
        for (int i = 0; i < count; i++)
        {
            json.Append(i > 0 ? "," : "").Append(Space(random));
            WriteText(json, random);
            json.Append(Space(random)).Append(':').Append(Space(random));
            WriteValue(json, random, depth + 1);
            json.Append(Space(random));
        }

        json.Append('}');
    }

    private static void WriteValue(StringBuilder json, Random random, int depth)
    {
        switch (random.Next(depth > 3 ? 3 : 5))
        {
            case 0:
                json.Append(random.Next(-1000, 1000));
                break;
            case 1:
                json.Append(random.Next(2) == 0 ? "true" : "null");
                break;
            case 2:
                WriteText(json, random);
                break;
            case 3:
                WriteObject(json, random, depth);
                break;
            default:
                json.Append('[');
                for (int i = random.Next(4); i > 0; i--)
                {
                    WriteValue(json, random, depth + 1);
                    json.Append(i > 1 ? "," : "");
                }

                json.Append(']');
                break;
        }
    }

    private static void WriteText(StringBuilder json, Random random)
    {
        string[] parts = ["type", "t\\u0079pe", "\\\"", "\\\\", "{", "}", ":", "[", "]", ",", "x", "ä", "\\n", new string('y', 40), " "];
        json.Append('"');
        if (random.Next(3) == 0)
        {
            json.Append(parts[random.Next(2)]);
        }
        else
        {
            for (int i = random.Next(5); i > 0; i--)
            {
                json.Append(parts[random.Next(parts.Length)]);
            }
        }

        json.Append('"');
    }

    private static string Space(Random random) => random.Next(4) == 0 ? " \n" : "";
}
