using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.FixtureTests;

/// <summary>A test host that is killed closes its end of the children's standard input: closing it here is the same to them.</summary>
public sealed class ChildProcessTests
{
    private const string EndlessProgram = "console.log('running'); setInterval(() => {}, 1000);";
    private const string EndlessServer = "require('node:http').createServer().listen(4567);";

    [Fact]
    public async Task Guard_and_program_end_when_the_host_is_gone()
    {
        var running = new TaskCompletionSource();
        await using var guard = Start(running, NodePackages.Script("guard.cjs"), "node", "-e", EndlessProgram);
        await Task.WhenAny(running.Task, guard.Exited).WaitAsync(TestContext.Current.CancellationToken);
        Assert.False(guard.Exited.IsCompleted, guard.LastOutput);

        guard.Input.Close();

        // the guard ends after the program it killed
        Assert.NotEqual(0, await guard.Exited.WaitAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Server_ends_when_the_host_is_gone()
    {
        var running = new TaskCompletionSource();
        await using var server = Start(running, "-r", NodePackages.Script("loopback.cjs"), "-e", EndlessServer);
        await Task.WhenAny(running.Task, server.Exited).WaitAsync(TestContext.Current.CancellationToken);
        Assert.False(server.Exited.IsCompleted, server.LastOutput);
        Assert.StartsWith("@listening 4567 ", server.LastOutput, StringComparison.Ordinal);

        server.Input.Close();

        Assert.NotEqual(0, await server.Exited.WaitAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Guard_ends_with_the_programs_exit_code()
    {
        await using var guard = Start(new TaskCompletionSource(), NodePackages.Script("guard.cjs"), "node", "-e", "process.exit(7)");

        Assert.Equal(7, await guard.Exited.WaitAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Can_be_disposed_of_twice()
    {
        var child = Start(new TaskCompletionSource(), "-e", EndlessProgram);

        await child.DisposeAsync();
        await child.DisposeAsync();

        Assert.True(child.Exited.IsCompleted);
    }

    [Fact]
    public void Says_what_to_install_when_a_program_is_missing()
    {
        var exception = Assert.Throws<InvalidOperationException>(
            () => ChildProcess.Start("no-such-program", [], Path.GetTempPath()));

        Assert.Contains("no-such-program", exception.Message, StringComparison.Ordinal);
        Assert.Contains("https://nodejs.org", exception.Message, StringComparison.Ordinal);
    }

    private static ChildProcess Start(TaskCompletionSource running, params string[] arguments) =>
        ChildProcess.Start("node", arguments, Path.GetTempPath(), onOutputLine: _ => running.TrySetResult());
}
