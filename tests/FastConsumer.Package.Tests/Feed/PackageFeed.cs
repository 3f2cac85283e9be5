using System.Xml.Linq;
using FastConsumer.Package.Tests.Feed;

[assembly: AssemblyFixture(typeof(PackageFeed))]

namespace FastConsumer.Package.Tests.Feed;

/// <summary>
/// The packages, packed once per run under a version of their own, in a folder outside the repository where projects of a
/// user's find them. All of it is gone afterwards, from NuGet's global folder too.
/// </summary>
public sealed class PackageFeed : IAsyncLifetime
{
    public const string Sdk = "FastConsumer";
    public const string DynamoDb = "FastConsumer.DynamoDb";
    public const string PostgreSql = "FastConsumer.PostgreSql";
    public const string S3 = "FastConsumer.S3";
    public const string Testing = "FastConsumer.Testing";
    public const string Dashboard = "FastConsumer.Dashboard";
    public const string Aspire = "FastConsumer.Aspire";
    public const string Cli = "FastConsumer.Cli";

    private const string FolderPrefix = "fastconsumer-";

    private DirectoryInfo? _root;
    private string? _globalPackages;

    public static IReadOnlyList<string> PackageIds { get; } = [Sdk, DynamoDb, PostgreSql, S3, Testing, Dashboard, Aspire, Cli];

    /// <summary>Unique on this machine, so that no cache holds an older build of it.</summary>
    public string Version { get; private set; } = "";

    /// <summary>The folder for projects; its settings are not the repository's.</summary>
    public string Workspace => Path.Combine(Root, "workspace");

    public string NuGetConfig => Path.Combine(Workspace, "nuget.config");

    private string Root => _root?.FullName ?? throw new InvalidOperationException("The packages are not made yet.");

    private string Packages => Path.Combine(Root, "packages");

    public string Package(string packageId) => Path.Combine(Packages, $"{packageId}.{Version}.nupkg");

    public string Symbols(string packageId) => Path.Combine(Packages, $"{packageId}.{Version}.snupkg");

    public async ValueTask InitializeAsync()
    {
        _root = Directory.CreateTempSubdirectory(FolderPrefix);
        try
        {
            Version = $"0.1.0-test.x{_root.Name[FolderPrefix.Length..]}";
            Directory.CreateDirectory(Workspace);
            string answer = (await Dotnet.RunAsync(Root, "nuget", "locals", "global-packages", "--list")).MustSucceed().Output;
            _globalPackages = answer.Split(": ", 2)[1].Trim();
            foreach (string packageId in PackageIds)
            {
                (await PackAsync(packageId)).MustSucceed();
            }

            WriteWorkspace();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync()
    {
        if (_root is { Exists: true })
        {
            foreach (string packageId in PackageIds)
            {
                ForgetRestored(packageId);
            }

            _root.Delete(recursive: true);
            _root = null;
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Packs what is built already: other tests may run from the same files at this moment.</summary>
    internal Task<DotnetResult> PackAsync(string packageId, params string[] properties) => Dotnet.RunAsync(
        Repository.Root,
        ["pack", Repository.Project(packageId), "--configuration", Repository.Configuration, "--no-build", "--output", Packages,
            "-nodeReuse:false", "-maxcpucount:1", $"-p:Version={Version}", .. properties]);

    private void WriteWorkspace()
    {
        XDocument config = XDocument.Load(Path.Combine(Repository.Root, "nuget.config"));
        XElement sources = config.Root!.Element("packageSources")!;
        var mapping = new XElement("packageSourceMapping", new XElement("clear"));
        foreach (XElement source in sources.Elements("add"))
        {
            mapping.Add(Mapping(source.Attribute("key")!.Value, "*"));
        }

        // only from here: the packages of this run are nowhere else, and need not be looked for
        sources.Add(new XElement("add", new XAttribute("key", "packed"), new XAttribute("value", Packages)));
        mapping.Add(Mapping("packed", [.. PackageIds]));
        config.Root.Element("packageSourceMapping")?.Remove();
        config.Root.Add(mapping);
        config.Save(NuGetConfig);

        File.Copy(Path.Combine(Repository.Root, "global.json"), Path.Combine(Workspace, "global.json"));
        // empty ones, so that none is looked for in the folders above
        foreach (string name in (string[])["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"])
        {
            File.WriteAllText(Path.Combine(Workspace, name), "<Project />");
        }
    }

    private void ForgetRestored(string packageId)
    {
        // NuGet writes ids and versions there in lower case
        var anyCase = new EnumerationOptions { MatchCasing = MatchCasing.CaseInsensitive };
        if (_globalPackages is null || !Directory.Exists(_globalPackages))
        {
            return;
        }

        foreach (string package in Directory.GetDirectories(_globalPackages, packageId, anyCase))
        {
            foreach (string version in Directory.GetDirectories(package, Version, anyCase))
            {
                Directory.Delete(version, recursive: true);
            }

            if (!Directory.EnumerateFileSystemEntries(package).Any())
            {
                Directory.Delete(package);
            }
        }
    }

    private static XElement Mapping(string key, params string[] patterns) => new(
        "packageSource",
        new XAttribute("key", key),
        patterns.Select(static pattern => new XElement("package", new XAttribute("pattern", pattern))));
}
