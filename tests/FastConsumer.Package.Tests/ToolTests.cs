using System.Text.Json;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Package.Tests.Feed;

namespace FastConsumer.Package.Tests;

public sealed class ToolTests(PackageFeed feed)
{
    [Fact]
    public async Task The_tool_installs_and_runs()
    {
        string folder = Path.Combine(feed.Workspace, "tools");
        (await Dotnet.RunAsync(
            feed.Workspace, "tool", "install", PackageFeed.Cli, "--tool-path", folder, "--version", feed.Version, "--configfile",
            feed.NuGetConfig)).MustSucceed();
        string program = Path.Combine(folder, OperatingSystem.IsWindows() ? "fastconsumer.exe" : "fastconsumer");

        List<string> version = [];
        await using (var tool = ChildProcess.Start(program, ["--version"], feed.Workspace, onOutputLine: version.Add))
        {
            Assert.Equal(0, await Eventually.EndsAsync("the version is told", tool.Exited, () => tool.LastOutput));
        }

        Assert.Matches(@"^\d+\.\d+\.\d+", Assert.Single(version));
        await EmulatorRunsAsync(program);
    }

    /// <summary>The command line of a resource of FastConsumer.Aspire, up to its port and streams.</summary>
    [Fact]
    public Task The_emulator_runs_without_being_installed() =>
        EmulatorRunsAsync("dotnet", "tool", "exec", PackageFeed.Cli, "--version", feed.Version, "--yes", "--");

    private async Task EmulatorRunsAsync(params string[] program)
    {
        var endpoint = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var emulator = ChildProcess.Start(
            "node",
            [NodePackages.Script("guard.cjs"), .. program, "emulator", "--port", "0", "--json"],
            feed.Workspace,
            onOutputLine: line => endpoint.TrySetResult(JsonDocument.Parse(line).RootElement.GetProperty("endpoint").GetString()!));
        Assert.StartsWith(
            "http://127.0.0.1:",
            await Eventually.EndsAsync("the emulator listens", endpoint.Task, () => emulator.LastOutput),
            StringComparison.Ordinal);
        Signals.Send(emulator.Id, Signal.Terminate);
        Assert.Equal(0, await Eventually.EndsAsync("the emulator ends", emulator.Exited, () => emulator.LastOutput));
    }
}
