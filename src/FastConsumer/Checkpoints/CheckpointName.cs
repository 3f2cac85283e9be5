using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace FastConsumer.Checkpoints;

/// <summary>
/// The rules for names of objects in a <see cref="ICheckpointStore"/>, such as <c>orders/AbCdEfGhIjk/seg/LmNoPqRsTuv/17</c>: parts of 1 to
/// 255 characters with '/' between them, <see cref="MaxLength"/> characters in all. A part has letters and digits of ASCII, '-', '_', '.'
/// and '!', and neither begins nor ends with a '.'. Names that differ in case only are different names. No object has a name that is a
/// folder of other names: beside <c>orders/1</c> a store may refuse <c>orders/1/2</c>, and the other way round.
/// </summary>
/// <remarks>
/// So a name is a path on every file system and a key of every S3 as it is, leads nowhere else, and leaves names that begin with a '.' to
/// stores, for what they must not list. On file systems that do not tell cases apart, a store must refuse rather than confuse two names.
/// </remarks>
public static class CheckpointName
{
    /// <summary>How long a name may be, in characters: 700. It leaves S3's keys, of 1,024 bytes, room for a prefix.</summary>
    public const int MaxLength = 700;

    /// <summary>How long a part may be, in characters: 255, as a file's name.</summary>
    public const int MaxPartLength = 255;

    private const int KeptOfLongPart = 200;

    private static readonly SearchValues<char> s_partCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!");

    /// <summary>
    /// Makes a part of a name from any text, such as an application's name. Different texts give different parts; the same text always
    /// gives the same part.
    /// </summary>
    /// <remarks>
    /// Letters and digits of ASCII, '-', '_' and a '.' inside stay. Each other byte of the text's UTF-8 becomes '!' and two digits of
    /// hexadecimal, '!' itself too. Where that gives more than <see cref="MaxPartLength"/> characters, its beginning is followed by '!-'
    /// and half of the text's SHA-256.
    /// </remarks>
    /// <param name="text">The text; not empty, and well-formed UTF-16.</param>
    /// <exception cref="ArgumentException">The text is empty or is not well-formed.</exception>
    public static string Escape(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        byte[] bytes;
        try
        {
            bytes = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetBytes(text);
        }
        catch (EncoderFallbackException exception)
        {
            throw new ArgumentException("The text has half of a surrogate pair.", nameof(text), exception);
        }

        var part = new StringBuilder(bytes.Length);
        int kept = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            char c = (char)bytes[i];
            bool stays = c == '.' ? i > 0 && i < bytes.Length - 1 : c != '!' && c < 128 && s_partCharacters.Contains(c);
            if (stays)
            {
                part.Append(c);
            }
            else
            {
                part.Append('!').Append(Convert.ToHexString(bytes, i, 1));
            }

            if (part.Length <= KeptOfLongPart)
            {
                kept = part.Length;
            }
        }

        return part.Length <= MaxPartLength
            ? part.ToString()
            : $"{part.ToString(0, kept)}!-{Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 16))}";
    }

    /// <summary>True for a name that keeps the rules.</summary>
    /// <param name="name">The name.</param>
    public static bool IsValid(string? name) => name is not null && ProblemOf(name) is null;

    /// <summary>Throws where a name breaks the rules; for stores.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="ArgumentException">The name breaks the rules; the message says which.</exception>
    public static void ThrowIfInvalid(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (ProblemOf(name) is { } problem)
        {
            throw new ArgumentException($"'{Shown(name)}' is no name of a checkpoint object: {problem}.", nameof(name));
        }
    }

    /// <summary>Throws where no name can begin so; for stores. The empty prefix, of all names, is fine.</summary>
    /// <param name="prefix">The prefix.</param>
    /// <exception cref="ArgumentException">No name can begin so; the message says why.</exception>
    public static void ThrowIfInvalidPrefix(string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        if (PrefixProblemOf(prefix) is { } problem)
        {
            throw new ArgumentException($"No name of a checkpoint object begins with '{Shown(prefix)}': {problem}.", nameof(prefix));
        }
    }

    private static string? ProblemOf(string name)
    {
        if (name.Length == 0)
        {
            return "it is empty";
        }

        if (name.Length > MaxLength)
        {
            return $"it has {name.Length} characters, and {MaxLength} are allowed";
        }

        foreach (Range range in name.AsSpan().Split('/'))
        {
            if (PartProblemOf(name.AsSpan(range)) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private static string? PrefixProblemOf(string prefix)
    {
        if (prefix.Length > MaxLength)
        {
            return $"it has {prefix.Length} characters, and {MaxLength} are allowed";
        }

        int last = prefix.LastIndexOf('/') + 1;
        string? problem = last == 0 ? null : ProblemOf(prefix[..(last - 1)]);
        if (problem is not null || last == prefix.Length)
        {
            return problem;
        }

        // the rest of the last part may follow
        ReadOnlySpan<char> part = prefix.AsSpan(last);
        return PartProblemOf(part) is { } found && (part[0] == '.' || part[^1] != '.' || part.ContainsAnyExcept(s_partCharacters))
            ? found
            : null;
    }

    private static string? PartProblemOf(ReadOnlySpan<char> part)
    {
        if (part.IsEmpty)
        {
            return "it has an empty part, so it begins or ends with '/' or has two of them in a row";
        }

        if (part.Length > MaxPartLength)
        {
            return $"it has a part of {part.Length} characters, and {MaxPartLength} are allowed";
        }

        if (part.ContainsAnyExcept(s_partCharacters))
        {
            return "a part has letters and digits of ASCII, '-', '_', '.' and '!' (CheckpointName.Escape makes one from any text)";
        }

        return part[0] == '.' || part[^1] == '.' ? "a part neither begins nor ends with '.'" : null;
    }

    private static string Shown(string name) => name.Length <= 100 ? name : $"{name.AsSpan(0, 100)}...";
}
