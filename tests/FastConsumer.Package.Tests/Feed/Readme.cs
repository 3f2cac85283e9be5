namespace FastConsumer.Package.Tests.Feed;

/// <summary>The page that a registry shows of a package.</summary>
internal static class Readme
{
    private const string Fence = "```";

    /// <summary>The first C# in it: what a new user copies.</summary>
    public static string FirstCode(PackageFeed feed, string packageId)
    {
        using var package = new PackageFile(feed.Package(packageId));
        return string.Join('\n', package.ReadText("README.md").Split('\n')
            .SkipWhile(static line => line != $"{Fence}csharp")
            .Skip(1)
            .TakeWhile(static line => line != Fence));
    }
}
