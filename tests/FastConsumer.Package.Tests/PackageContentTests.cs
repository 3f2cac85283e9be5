using System.Buffers.Binary;
using System.Reflection.Metadata;
using System.Xml.Linq;
using FastConsumer.Package.Tests.Feed;

namespace FastConsumer.Package.Tests;

public sealed class PackageContentTests(PackageFeed feed)
{
    public static TheoryData<string> PackageIds { get; } = [.. PackageFeed.PackageIds];

    [Theory]
    [MemberData(nameof(PackageIds))]
    public void A_package_says_what_it_is_and_brings_licence_readme_and_icon(string packageId)
    {
        using var package = new PackageFile(feed.Package(packageId));
        ILookup<string, XElement> manifest = package.Manifest();

        Assert.Equal(packageId, manifest["id"].Single().Value);
        Assert.Equal(feed.Version, manifest["version"].Single().Value);
        Assert.Equal("Apache-2.0", manifest["license"].Single().Value);
        Assert.NotEmpty(manifest["description"].Single().Value);
        Assert.Equal("README.md", manifest["readme"].Single().Value);
        Assert.Equal("icon.png", manifest["icon"].Single().Value);
        Assert.Empty(manifest["repository"]);
        Assert.Contains("Apache License", package.ReadText("LICENSE"), StringComparison.Ordinal);
        Assert.StartsWith($"# {packageId}\n", package.ReadText("README.md"), StringComparison.Ordinal);
        // width and height stand at the start of a PNG's first chunk
        byte[] icon = package.Read("icon.png");
        Assert.Equal([0x89, .. "PNG\r\n"u8], icon[..6]);
        Assert.Equal(
            (128, 128), (BinaryPrimitives.ReadInt32BigEndian(icon.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(icon.AsSpan(20))));
    }

    [Theory]
    [MemberData(nameof(PackageIds))]
    public void Its_own_assemblies_have_symbols_with_their_sources_beside_it(string packageId)
    {
        using var package = new PackageFile(feed.Package(packageId));
        using var symbols = new PackageFile(feed.Symbols(packageId));
        string[] assemblies = [.. OwnAssemblies(package).Where(static entry => !entry.StartsWith("analyzers/", StringComparison.Ordinal))];

        Assert.NotEmpty(assemblies);
        foreach (string assembly in assemblies)
        {
            Assert.All(
                Documents(symbols.Read(Path.ChangeExtension(assembly, ".pdb"))),
                static document => Assert.True(document.IsEmbedded, document.Name));
        }
    }

    [Fact]
    public void The_sdk_holds_generator_analyzers_and_code_fixes()
    {
        using var package = new PackageFile(feed.Package(PackageFeed.Sdk));

        Assert.Equal(
            ["analyzers/dotnet/cs/FastConsumer.Analyzers.dll", "analyzers/dotnet/cs/FastConsumer.CodeFixes.dll",
                "analyzers/dotnet/cs/FastConsumer.SourceGenerator.dll"],
            package.Entries.Where(static entry => entry.StartsWith("analyzers/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Contains("buildTransitive/FastConsumer.targets", package.Entries);
    }

    [Theory]
    [InlineData("GeneratorAssembly", "the source generator")]
    [InlineData("AnalyzersAssembly", "the analyzers")]
    [InlineData("CodeFixesAssembly", "the code fixes")]
    public async Task The_sdk_is_not_packed_without_them(string property, string part)
    {
        DotnetResult result = await feed.PackAsync(PackageFeed.Sdk, $"-p:{property}=absent.dll", "-p:PackageId=FastConsumer.Incomplete");

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains($"The package needs {part}, which", result.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(feed.Package("FastConsumer.Incomplete")));
    }

    [Theory]
    [InlineData(PackageFeed.DynamoDb)]
    [InlineData(PackageFeed.PostgreSql)]
    [InlineData(PackageFeed.S3)]
    [InlineData(PackageFeed.Testing)]
    [InlineData(PackageFeed.Dashboard)]
    public void The_packages_beside_it_bring_all_of_the_sdk(string packageId)
    {
        using var package = new PackageFile(feed.Package(packageId));

        XElement dependency = package.Manifest()["dependency"]
            .Single(static dependency => (string?)dependency.Attribute("id") == PackageFeed.Sdk);
        Assert.Equal(feed.Version, (string?)dependency.Attribute("version"));
        Assert.Null(dependency.Attribute("exclude"));
    }

#if !DEBUG
    // A debug build names its sources where they are, for the debugger; it is not shipped.
    [Theory]
    [MemberData(nameof(PackageIds))]
    public void Nothing_in_it_tells_where_it_was_built(string packageId)
    {
        using var package = new PackageFile(feed.Package(packageId));
        using var symbols = new PackageFile(feed.Symbols(packageId));
        foreach (string assembly in OwnAssemblies(package))
        {
            // Latin-1 turns each byte into one character, whatever it is
            string content = System.Text.Encoding.Latin1.GetString(package.Read(assembly));
            Assert.DoesNotContain(Repository.Root, content, StringComparison.Ordinal);
            Assert.DoesNotContain(string.Join('\0', Repository.Root.ToCharArray()), content, StringComparison.Ordinal);
        }

        foreach (string pdb in symbols.Entries.Where(static entry => entry.EndsWith(".pdb", StringComparison.Ordinal)))
        {
            Assert.All(Documents(symbols.Read(pdb)), static document =>
            {
                Assert.StartsWith("/_/", document.Name, StringComparison.Ordinal);
                Assert.DoesNotContain(Repository.Root, document.Text, StringComparison.Ordinal);
            });
        }
    }
#endif

    private static IEnumerable<string> OwnAssemblies(PackageFile package) => package.Entries.Where(static entry =>
        Path.GetFileName(entry).StartsWith("FastConsumer", StringComparison.Ordinal) && entry.EndsWith(".dll", StringComparison.Ordinal));

    private static IReadOnlyList<SymbolDocument> Documents(byte[] pdb)
    {
        using MetadataReaderProvider provider = MetadataReaderProvider.FromPortablePdbStream(new MemoryStream(pdb));
        MetadataReader reader = provider.GetMetadataReader();
        return [.. reader.Documents.Select(handle => SymbolDocument.Read(reader, handle))];
    }
}
