using System.Globalization;
using System.Text;

namespace FastConsumer.Cli.Records;

/// <summary>How records are written as text: -f '%t %s %k %o %v\n'.</summary>
internal sealed class RecordFormat
{
    private readonly List<(char Field, string Text)> _parts = [];

    private RecordFormat()
    {
    }

    /// <summary>What is shown where nothing else was asked for.</summary>
    public const string Usual = @"%t %s %k %v\n";

    /// <summary>The same with the sequence number.</summary>
    public const string Wide = @"%t %s %o %k %v\n";

    /// <exception cref="ToolException">It has a field that is not known.</exception>
    public static RecordFormat Parse(string text)
    {
        var format = new RecordFormat();
        var literal = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('%' or '\\'))
            {
                literal.Append(text[i]);
                continue;
            }

            string token = text.Substring(i, Math.Min(2, text.Length - i));
            i++;
            switch (token)
            {
                case "%%":
                    literal.Append('%');
                    break;
                case @"\n":
                    literal.Append('\n');
                    break;
                case @"\t":
                    literal.Append('\t');
                    break;
                case @"\\":
                    literal.Append('\\');
                    break;
                case "%t" or "%s" or "%k" or "%o" or "%v":
                    format._parts.Add(('\0', literal.ToString()));
                    format._parts.Add((token[1], ""));
                    literal.Clear();
                    break;
                default:
                    throw ToolException.Usage(
                        $"-f '{text}': {token} is not known. There are %t (arrival), %s (shard), %k (partition key), %o (sequence number), "
                            + @"%v (value), %%, \n, \t and \\.");
            }
        }

        format._parts.Add(('\0', literal.ToString()));
        return format;
    }

    /// <summary>Appends a record.</summary>
    /// <param name="target">Takes it.</param>
    /// <param name="shardId">Its shard.</param>
    /// <param name="record">The record.</param>
    /// <param name="value">Its payload.</param>
    /// <param name="isRaw">True where key and value are written as they are: not for a terminal.</param>
    public void Append(StringBuilder target, string shardId, KinesisRecord record, RecordValue value, bool isRaw)
    {
        foreach ((char field, string text) in _parts)
        {
            target.Append(field switch
            {
                't' => record.ApproximateArrivalTimestamp.UtcDateTime.ToString(
                    "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
                's' => RecordValue.Printable(shardId),
                'k' => Shown(record.PartitionKey),
                'o' => record.Position.ToString(),
                'v' => Shown(value.Text),
                _ => text,
            });
        }

        string Shown(string part) => isRaw ? part : RecordValue.Printable(part);
    }
}
