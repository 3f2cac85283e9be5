using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>dynoxide: a DynamoDB with conditions, returned items, transactions and PartiQL batches. Linux x64 only.</summary>
public sealed partial class DynoxideServer : LocalServer
{
    private const int MaxAttempts = 10;

    private int _port;

    private protected override int ServicePort => _port;

    public static Task<DynoxideServer> StartAsync(CancellationToken cancellationToken) =>
        StartAsync(new DynoxideServer(), cancellationToken);

    private protected override async Task<ServerProcess> StartProcessAsync(NodePackages packages, CancellationToken cancellationToken)
    {
        var program = Path.Combine(packages.Package("@dynoxide/linux-x64"), "dynoxide");
        for (var attempt = 1; ; attempt++)
        {
            // It takes port 0 but does not say which port it got, so a free one is chosen here and may be lost again.
            _port = FreePort();
            try
            {
                return await ServerProcess.StartAsync(Launch(program), cancellationToken);
            }
            catch (ServerStartException exception)
                when (attempt < MaxAttempts && exception.LastOutput.Contains("already in use", StringComparison.Ordinal))
            {
                continue;
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private ServerLaunch Launch(string program) => new()
    {
        Name = "dynoxide",
        Arguments = [NodePackages.Script("guard.cjs"), program, "serve", "--host", "127.0.0.1", "--port", $"{_port}"],
        WorkingDirectory = Path.GetDirectoryName(program)!,
        Announcement = OwnAnnouncement(),
        AskedPorts = [_port],
        HealthPath = "/",
    };

    [GeneratedRegex(@"listening on http://127\.0\.0\.1:(?<port>(?<asked>\d+))$")]
    private static partial Regex OwnAnnouncement();
}
