namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>kinesalite: an older Kinesis, without stream ARNs, consumers and ChildShards, that polls fast.</summary>
public sealed class KinesaliteServer : LocalServer
{
    private protected override int ServicePort => 4567;

    public static Task<KinesaliteServer> StartAsync(CancellationToken cancellationToken) =>
        StartAsync(new KinesaliteServer(), cancellationToken);

    private protected override Task<ServerProcess> StartProcessAsync(NodePackages packages, CancellationToken cancellationToken) =>
        ServerProcess.StartAsync(
            new ServerLaunch
            {
                Name = "kinesalite",
                Arguments =
                [
                    "-r", NodePackages.Script("loopback.cjs"), "cli.js",
                    "--port", $"{ServicePort}",
                    "--createStreamMs", "50", "--deleteStreamMs", "50", "--updateStreamMs", "50",
                    "--shardLimit", "1000",
                ],
                WorkingDirectory = packages.Package("kinesalite"),
                Announcement = LoopbackAnnouncement(),
                AskedPorts = [ServicePort],
                HealthPath = "/",
            },
            cancellationToken);
}
