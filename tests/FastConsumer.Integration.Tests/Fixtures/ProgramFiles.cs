using System.Reflection;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>Where the programs are that tests start as processes.</summary>
internal static class ProgramFiles
{
    public static string Worker { get; } = Find("tests", "FastConsumer.Integration.Worker");

    public static string QuickStart { get; } = Find("samples", "QuickStart");

    public static string Operations { get; } = Find("samples", "Operations");

    public static string LoadTest { get; } = Find("benchmarks", "FastConsumer.LoadTest");

    public static string QuickStartData { get; } = Path.Combine(Root, "samples", "QuickStart", "data", "earthquakes.ndjson");

    private static string Root => Path.GetFullPath(Path.Combine(Metadata("ProjectDirectory"), "..", ".."));

    private static string Find(string folder, string project) =>
        Path.Combine(Root, folder, project, Metadata("BuildOutput"), $"{project}.dll");

    private static string Metadata(string key) => typeof(ProgramFiles).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == key).Value!;
}
