using System.Reflection;
using System.Xml.Linq;

namespace FastConsumer.Package.Tests.Feed;

/// <summary>The source tree that the packages are made of.</summary>
internal static class Repository
{
    public static string Root { get; } = Metadata("RepositoryRoot");

    /// <summary>Debug or Release, as the tests were built: what is packed is built already.</summary>
    public static string Configuration { get; } = Metadata("Configuration");

    public static string Project(string packageId) => Path.Combine(Root, "src", packageId, $"{packageId}.csproj");

    /// <summary>The version of a package that the repository pins, so that it need not be downloaded again.</summary>
    public static string PinnedVersion(string packageId) => XDocument.Load(Path.Combine(Root, "Directory.Packages.props"))
        .Descendants("PackageVersion")
        .Single(version => (string?)version.Attribute("Include") == packageId)
        .Attribute("Version")!.Value;

    private static string Metadata(string key) => typeof(Repository).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == key).Value!;
}
