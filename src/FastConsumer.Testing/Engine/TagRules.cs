namespace FastConsumer.Testing.Engine;

/// <summary>What tags may look like.</summary>
internal static class TagRules
{
    private const int MaxKeyLength = 128;
    private const int MaxValueLength = 256;
    private const int MaxTagsInRequest = 200;
    private const int MaxKeysInRequest = 50;
    private const string Symbols = "_.:/=+-%@";
    private const string ReservedPrefix = "aws:";

    /// <summary>The tags of a request that need not have any.</summary>
    public static IReadOnlyDictionary<string, string> Optional(IReadOnlyDictionary<string, string>? tags) =>
        tags is null ? new Dictionary<string, string>() : Required(tags);

    public static IReadOnlyDictionary<string, string> Required(IReadOnlyDictionary<string, string>? tags)
    {
        RequestRules.Count(tags?.Count, "tags", 1, MaxTagsInRequest);
        foreach ((string key, string value) in tags!)
        {
            RequestRules.Length(key, "tags.key", 1, MaxKeyLength);
            RequestRules.Length(value, $"tags.{key}.member", 0, MaxValueLength);
            RequireValid(key);
            RequireValid(value);
            RequireFree(key);
        }

        return tags;
    }

    public static IReadOnlyList<string> Keys(IReadOnlyList<string>? keys)
    {
        RequestRules.Count(keys?.Count, "tagKeys", 1, MaxKeysInRequest);
        foreach (string key in keys!)
        {
            RequestRules.Length(key, "tagKeys.member", 1, MaxKeyLength);
            RequireFree(key);
        }

        return keys;
    }

    private static void RequireValid(string text)
    {
        foreach (char c in text)
        {
            if (!char.IsLetterOrDigit(c) && !char.IsWhiteSpace(c) && !char.IsSurrogate(c) && !Symbols.Contains(c))
            {
                throw EngineException.InvalidArgument(
                    $"The tag text '{text}' has the character '{c}': letters, digits, white space and {Symbols} are valid.");
            }
        }
    }

    private static void RequireFree(string key)
    {
        if (key.StartsWith(ReservedPrefix, StringComparison.OrdinalIgnoreCase))
        {
            throw EngineException.InvalidArgument(
                $"The tag key '{key}' begins with '{ReservedPrefix}', which is reserved for the service.");
        }
    }
}
