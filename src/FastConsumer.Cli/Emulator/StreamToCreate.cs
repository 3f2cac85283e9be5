using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace FastConsumer.Cli.Emulator;

/// <summary>A stream as the command line names it: <c>orders:4</c>, or <c>orders</c> for one shard.</summary>
internal sealed record StreamToCreate(string Name, int ShardCount)
{
    private const int LongestName = 128;

    public static bool TryParse(string text, [NotNullWhen(true)] out StreamToCreate? stream, [NotNullWhen(false)] out string? error)
    {
        stream = null;
        error = null;
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string name = colon < 0 ? text : text[..colon];
        int shardCount = 1;
        if (name.Length is 0 or > LongestName || !name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-'))
        {
            error = $"a stream's name is 1 to {LongestName} letters, digits, '_', '.' and '-'. Write name or name:shards, for example "
                + "orders:4.";
        }
        else if (colon >= 0
            && (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out shardCount) || shardCount < 1))
        {
            error = $"'{text[(colon + 1)..]}' is not a number of shards, 1 or more. Write name or name:shards, for example {name}:4.";
        }
        else
        {
            stream = new StreamToCreate(name, shardCount);
        }

        return stream is not null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}:{ShardCount}");
}
