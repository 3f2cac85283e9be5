using System.Reflection;

namespace FastConsumer.Architecture.Tests;

/// <summary>The project's C# files, as far as they are written by hand.</summary>
internal static class WrittenFiles
{
    public static string Root { get; } = Path.GetFullPath(typeof(WrittenFiles).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(static attribute => attribute.Key == "RepositoryRoot").Value!);

    /// <summary>A folder's files: neither what a build makes, nor what the generator is expected to write.</summary>
    public static IEnumerable<string> In(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories).Where(IsWritten);

    /// <summary>How a file is called in messages.</summary>
    public static string NameOf(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    private static bool IsWritten(string path)
    {
        string name = NameOf(path);
        return !name.Contains("/bin/", StringComparison.Ordinal) && !name.Contains("/obj/", StringComparison.Ordinal)
            && !name.EndsWith(".g.cs", StringComparison.Ordinal);
    }
}
