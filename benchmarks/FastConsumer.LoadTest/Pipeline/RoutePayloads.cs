using System.Text;

namespace FastConsumer.LoadTest.Pipeline;

/// <summary>JSON objects of 1 KiB in which the property "type" stands at different places.</summary>
internal static class RoutePayloads
{
    private const int Size = 1024;
    private const string Route = "\"type\":\"order.placed\"";

    public static IEnumerable<(string Name, byte[] Json)> All()
    {
        yield return ("first", Fill("{" + Route + ",", "\"last\":0}"));
        yield return ("middle", Fill("{" + Members(Size / 2) + Route + ",", "\"last\":0}"));
        yield return ("end", Fill("{", Route + "}"));
        yield return ("escaped name, end", Fill("{", "\"t\\u0079pe\":\"order.placed\"}"));
        yield return ("behind nested objects of that name", Fill("{" + Nested(Size - 100), Route + "}"));
        yield return ("behind one text of 900 B", Fill("{\"text\":\"" + new string('x', 900) + "\",", Route + "}"));
        yield return ("not there", Fill("{", "\"last\":0}"));
    }

    private static byte[] Fill(string start, string end) => Encoding.UTF8.GetBytes(start + Members(Size - start.Length - end.Length) + end);

    /// <summary>Members of several kinds, of about so many characters, a comma behind each.</summary>
    private static string Members(int length)
    {
        var text = new StringBuilder();
        for (int i = 0; ; i++)
        {
            string member = (i % 5) switch
            {
                0 => $"\"customer{i}\":\"Ada Lovelace, London\",",
                1 => $"\"amount{i}\":{1234.5 + i},",
                2 => $"\"tags{i}\":[\"a\",\"b\",{i}],",
                3 => $"\"paid{i}\":true,",
                _ => $"\"line{i}\":{{\"sku\":\"A-{i}\",\"count\":3}},",
            };
            if (text.Length + member.Length > length)
            {
                return text.ToString();
            }

            text.Append(member);
        }
    }

    private static string Nested(int length)
    {
        var text = new StringBuilder();
        for (int i = 0; text.Length < length - 50; i++)
        {
            text.Append("\"inner").Append(i).Append("\":{\"type\":\"no\",\"id\":[{\"type\":\"no\"}]},");
        }

        return text.ToString();
    }
}
