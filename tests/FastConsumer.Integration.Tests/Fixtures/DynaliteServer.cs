namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>dynalite: a DynamoDB without transactions, PartiQL and ReturnValuesOnConditionCheckFailure.</summary>
public sealed class DynaliteServer : LocalServer
{
    private protected override int ServicePort => 4567;

    public static Task<DynaliteServer> StartAsync(CancellationToken cancellationToken) =>
        StartAsync(new DynaliteServer(), cancellationToken);

    private protected override Task<ServerProcess> StartProcessAsync(NodePackages packages, CancellationToken cancellationToken) =>
        ServerProcess.StartAsync(
            new ServerLaunch
            {
                Name = "dynalite",
                Arguments =
                [
                    "-r", NodePackages.Script("loopback.cjs"), "cli.js",
                    "--port", $"{ServicePort}",
                    "--createTableMs", "20", "--deleteTableMs", "20", "--updateTableMs", "20",
                ],
                WorkingDirectory = packages.Package("dynalite"),
                Announcement = LoopbackAnnouncement(),
                AskedPorts = [ServicePort],
                HealthPath = "/",
            },
            cancellationToken);
}
