using System.Text.RegularExpressions;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.FixtureTests;

public sealed partial class ServerProcessTests
{
    [Fact]
    public async Task Tells_why_a_server_did_not_come_up()
    {
        var exception = await Assert.ThrowsAsync<ServerStartException>(
            () => StartAsync("console.error('the disk is full'); process.exit(3)", TestContext.Current.CancellationToken));

        Assert.Contains("test server ended with exit code 3", exception.Message, StringComparison.Ordinal);
        Assert.Contains("the disk is full", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waits_until_the_server_is_healthy()
    {
        const string source = """
            let asked = 0;
            require('node:http').createServer((request, response) => {
              response.writeHead(++asked < 3 ? 503 : 200).end(`${asked}`);
            }).listen(4567);
            """;

        await using var server = await StartAsync(source, TestContext.Current.CancellationToken);

        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var answer = await client.GetStringAsync(new Uri($"http://127.0.0.1:{server.Port(4567)}/"), TestContext.Current.CancellationToken);
        Assert.Equal("4", answer);
    }

    [Fact]
    public async Task Ends_the_server_when_its_start_is_cancelled()
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var starting = StartAsync("setInterval(() => {}, 1000)", cancellation.Token);

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting);
    }

    private static Task<ServerProcess> StartAsync(string source, CancellationToken cancellationToken) =>
        ServerProcess.StartAsync(
            new ServerLaunch
            {
                Name = "test server",
                Arguments = ["-r", NodePackages.Script("loopback.cjs"), "-e", source],
                WorkingDirectory = Path.GetTempPath(),
                Announcement = Announcement(),
                AskedPorts = [4567],
                HealthPath = "/",
            },
            cancellationToken);

    [GeneratedRegex(@"^@listening (?<asked>\d+) (?<port>\d+)$")]
    private static partial Regex Announcement();
}
