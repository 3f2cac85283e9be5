using System.Globalization;
using System.Text.Json;

namespace FastConsumer.Cli.Emulator;

/// <summary>A value of a configuration, which knows where it stands.</summary>
internal readonly struct ConfigNode(string file, string path, JsonElement element)
{
    private const int LongestName = 128;
    private const int LongestExcerpt = 60;

    /// <exception cref="ConfigFileException">It is no object, or has a property of another name.</exception>
    public void RequireObject(params string[] names)
    {
        RequireKind(JsonValueKind.Object, "an object");
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (!names.Contains(property.Name))
            {
                throw new ConfigFileException(
                    $"{file}: {Child(property.Name)} is not known. The properties here are {string.Join(", ", names)}.");
            }
        }
    }

    public ConfigNode? Optional(string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? new ConfigNode(file, Child(name), value)
            : null;

    public ConfigNode Required(string name) =>
        Optional(name) ?? throw new ConfigFileException($"{file}: {Child(name)} is missing.");

    public IEnumerable<ConfigNode> Items()
    {
        RequireKind(JsonValueKind.Array, "a list");
        List<ConfigNode> items = [];
        foreach (JsonElement item in element.EnumerateArray())
        {
            items.Add(new ConfigNode(file, string.Create(CultureInfo.InvariantCulture, $"{path}[{items.Count}]"), item));
        }

        return items;
    }

    public Dictionary<string, string> Texts()
    {
        RequireKind(JsonValueKind.Object, "an object of texts");
        Dictionary<string, string> texts = [];
        foreach (JsonProperty property in element.EnumerateObject())
        {
            texts[property.Name] = new ConfigNode(file, Child(property.Name), property.Value).Text(mayBeEmpty: true);
        }

        return texts;
    }

    public int Integer(int least, int most, string what) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int value) && value >= least && value <= most
            ? value
            : throw Wrong(string.Create(
                CultureInfo.InvariantCulture, $"is not {what}: give {least} {(most == int.MaxValue ? "or more" : $"to {most}")}"));

    public bool Flag() => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong("is not true or false"),
    };

    public string Text(bool mayBeEmpty = false)
    {
        RequireKind(JsonValueKind.String, "a text");
        string text = element.GetString()!;
        return text.Length > 0 || mayBeEmpty ? text : throw Wrong("is empty");
    }

    public string Name()
    {
        string name = Text();
        return name.Length <= LongestName && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-')
            ? name
            : throw Wrong($"is no name: give 1 to {LongestName} letters, digits, '_', '.' and '-'");
    }

    /// <summary>An error that names file, property and value.</summary>
    public ConfigFileException Wrong(string what)
    {
        string text = element.GetRawText();
        string excerpt = text.Length > LongestExcerpt ? text[..LongestExcerpt] + "..." : text;
        return new ConfigFileException($"{file}: {(path.Length == 0 ? "the value" : path)} {excerpt} {what}.");
    }

    private void RequireKind(JsonValueKind kind, string what)
    {
        if (element.ValueKind != kind)
        {
            throw Wrong($"is not {what}");
        }
    }

    private string Child(string name) => path.Length == 0 ? name : $"{path}.{name}";
}
