using System.Collections.Frozen;

namespace FastConsumer.Dashboard.Http;

/// <summary>The dashboard's files, out of the assembly. What is not there has no name here, whatever a path says.</summary>
internal static class Assets
{
    private const string Prefix = "assets/";

    private static readonly Lazy<FrozenDictionary<string, Asset>> s_all = new(Load);

    /// <summary>The page.</summary>
    public static Asset Index => s_all.Value["index.html"];

    /// <summary>All names.</summary>
    public static IEnumerable<string> Names => s_all.Value.Keys;

    /// <summary>A file; null where there is none of the name.</summary>
    public static Asset? Find(string? name) => name is not null && s_all.Value.TryGetValue(name, out Asset? asset) ? asset : null;

    private static FrozenDictionary<string, Asset> Load() => typeof(Assets).Assembly.GetManifestResourceNames()
        .Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal))
        .ToFrozenDictionary(
            static name => name[Prefix.Length..], static name => new Asset(TypeOf(name), Read(name)), StringComparer.Ordinal);

    private static byte[] Read(string name)
    {
        using Stream resource = typeof(Assets).Assembly.GetManifestResourceStream(name)!;
        byte[] content = new byte[resource.Length];
        resource.ReadExactly(content);
        return content;
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        var other => throw new InvalidOperationException($"There is no content type for the dashboard's file '{name}' ({other})."),
    };
}

/// <summary>One file.</summary>
/// <param name="ContentType">Its media type.</param>
/// <param name="Content">Its bytes.</param>
internal sealed record Asset(string ContentType, byte[] Content);
