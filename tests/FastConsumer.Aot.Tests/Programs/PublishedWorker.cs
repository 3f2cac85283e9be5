using System.Runtime.InteropServices;
using FastConsumer.Package.Tests.Feed;
using FastConsumer.Package.Tests.UserProjects;

namespace FastConsumer.Aot.Tests.Programs;

/// <summary>
/// The worker of a user's that <c>Worker/Program.cs</c> is, published once as native code and once for the just-in-time compiler with the
/// runtime beside it, each in a folder of its own that nothing else writes. A warning is an error.
/// </summary>
public sealed class PublishedWorker(PackageFeed feed) : IAsyncLifetime
{
    public string NativeFolder { get; private set; } = "";

    public string JitFolder { get; private set; } = "";

    public static string Executable(string folder) => Path.Combine(folder, "Worker");

    public async ValueTask InitializeAsync()
    {
        NativeFolder = await PublishAsync("worker-native", new() { ["PublishAot"] = "true", ["InvariantGlobalization"] = "true" });
        JitFolder = await PublishAsync("worker-jit", new()
        {
            ["SelfContained"] = "true",
            ["RuntimeIdentifier"] = RuntimeInformation.RuntimeIdentifier,
            ["InvariantGlobalization"] = "true",
        });
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<string> PublishAsync(string name, Dictionary<string, string> properties)
    {
        properties["AssemblyName"] = "Worker";
        properties["DebugType"] = "none";
        UserProject project = UserProject.Create(feed, name, properties, [PackageFeed.DynamoDb], UserProject.Code("Worker.cs"));
        string folder = project.PathOf("published");
        (await project.RunAsync("publish", $"{name}.csproj", "--output", folder)).MustSucceed().MustNotWarn();
        return folder;
    }
}
