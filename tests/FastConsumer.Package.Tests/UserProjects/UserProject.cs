using System.Xml.Linq;
using FastConsumer.Package.Tests.Feed;

namespace FastConsumer.Package.Tests.UserProjects;

/// <summary>A project as a user begins one, with the packages of this run. Warnings are errors.</summary>
internal sealed class UserProject
{
    private readonly string _folder;

    private UserProject(string folder) => _folder = folder;

    public static UserProject Create(
        PackageFeed feed,
        string name,
        IReadOnlyDictionary<string, string> properties,
        string[] packages,
        string code,
        string sdk = "Microsoft.NET.Sdk")
    {
        string folder = Directory.CreateDirectory(Path.Combine(feed.Workspace, name)).FullName;
        var project = new XElement(
            "Project",
            new XAttribute("Sdk", sdk),
            new XElement(
                "PropertyGroup",
                new XElement("OutputType", "Exe"),
                new XElement("TargetFramework", "net10.0"),
                new XElement("Nullable", "enable"),
                new XElement("ImplicitUsings", "enable"),
                new XElement("TreatWarningsAsErrors", "true"),
                // what is known about others' packages today is not what is tested
                new XElement("NuGetAudit", "false"),
                properties.Select(static property => new XElement(property.Key, property.Value))),
            new XElement(
                "ItemGroup",
                packages.Select(id => new XElement(
                    "PackageReference",
                    new XAttribute("Include", id),
                    new XAttribute("Version", PackageFeed.PackageIds.Contains(id) ? feed.Version : Repository.PinnedVersion(id))))));
        File.WriteAllText(Path.Combine(folder, $"{name}.csproj"), project.ToString());
        File.WriteAllText(Path.Combine(folder, "Program.cs"), code);
        return new UserProject(folder);
    }

    public static UserProject Create(PackageFeed feed, string name, string[] packages, string code) =>
        Create(feed, name, new Dictionary<string, string>(), packages, code);

    public static string Code(string fileName) => File.ReadAllText(
        Path.Combine(AppContext.BaseDirectory, "UserProjects", "Code", fileName));

    public Task<DotnetResult> RunAsync(string command, params string[] arguments) =>
        Dotnet.RunAsync(_folder, [command, "-nodeReuse:false", "-maxcpucount:1", .. arguments]);

    /// <summary>Applies the code fixes of these rules.</summary>
    public Task<DotnetResult> FormatAsync(params string[] ruleIds) =>
        Dotnet.RunAsync(_folder, ["format", "analyzers", "--severity", "info", "--verbosity", "detailed", "--diagnostics", .. ruleIds]);

    public string PathOf(params string[] parts) => Path.Combine([_folder, .. parts]);
}
