using System.Reflection;

namespace FastConsumer.CompilerTesting.Verification;

/// <summary>Where the sources stand that the tests read.</summary>
internal static class Repository
{
    public static string Root => Metadata("RepositoryRoot");

    public static string TargetingPacks => Metadata("TargetingPacks");

    public static string GoldenFolder => Path.Combine(Root, "tests", "FastConsumer.CompilerTesting", "Golden");

    public static string CorpusFolder => Path.Combine(Root, "tests", "FastConsumer.CompilerTesting", "Corpus");

    public static string StandInsFolder => Path.Combine(Root, "tests", "FastConsumer.CompilerTesting", "Verification", "StandIns");

    private static string Metadata(string key) =>
        typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value
        ?? throw new InvalidOperationException($"The project sets no {key}.");
}
