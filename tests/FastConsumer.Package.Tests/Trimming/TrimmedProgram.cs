using FastConsumer.Package.Tests.Feed;
using FastConsumer.Package.Tests.UserProjects;

namespace FastConsumer.Package.Tests.Trimming;

/// <summary>
/// A consumer with leases on DynamoDB, published once: a warning of the trimmer's would be an error. It has the SDK, and the SDK's
/// build targets, through another package.
/// </summary>
public sealed class TrimmedProgram(PackageFeed feed) : IAsyncLifetime
{
    private const string Name = "Orders";

    public string Folder { get; private set; } = "";

    public string Executable => Path.Combine(Folder, OperatingSystem.IsWindows() ? $"{Name}.exe" : Name);

    public async ValueTask InitializeAsync()
    {
        var properties = new Dictionary<string, string>
        {
            ["PublishTrimmed"] = "true",
            ["UseCurrentRuntimeIdentifier"] = "true",
            ["InvariantGlobalization"] = "true",
        };
        UserProject project = UserProject.Create(feed, Name, properties, [PackageFeed.DynamoDb], UserProject.Code("Orders.cs"));
        Folder = project.PathOf("published");
        (await project.RunAsync("publish", "--output", Folder)).MustSucceed();
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Writes a token where a pod would find it.</summary>
    internal async Task<string> WriteTokenAsync(string token, CancellationToken cancellationToken)
    {
        string path = Path.Combine(Folder, "token");
        await File.WriteAllTextAsync(path, token, cancellationToken);
        return path;
    }
}
