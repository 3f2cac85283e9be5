namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>kinesis-local (kinesis-mock): the fullest Kinesis that runs on Node.js.</summary>
public sealed class KinesisLocalServer : LocalServer
{
    private const int PlainPort = 4568;
    private const int TlsPort = 4567;
    private const string TransitionDuration = "50ms";

    /// <summary>The same server behind TLS with a self-signed certificate.</summary>
    public string TlsServiceUrl => $"https://127.0.0.1:{Port(TlsPort)}";

    private protected override int ServicePort => PlainPort;

    public static Task<KinesisLocalServer> StartAsync(CancellationToken cancellationToken) =>
        StartAsync(new KinesisLocalServer(), cancellationToken);

    private protected override Task<ServerProcess> StartProcessAsync(NodePackages packages, CancellationToken cancellationToken) =>
        ServerProcess.StartAsync(
            new ServerLaunch
            {
                Name = "kinesis-local",
                Arguments = ["--max-semi-space-size=64", "-r", NodePackages.Script("loopback.cjs"), "main.js"],
                // it reads its certificate from the working directory
                WorkingDirectory = packages.Package("kinesis-local"),
                Environment = new Dictionary<string, string?>
                {
                    ["KINESIS_MOCK_PLAIN_PORT"] = $"{PlainPort}",
                    ["KINESIS_MOCK_TLS_PORT"] = $"{TlsPort}",
                    ["CREATE_STREAM_DURATION"] = TransitionDuration,
                    ["DELETE_STREAM_DURATION"] = TransitionDuration,
                    ["REGISTER_STREAM_CONSUMER_DURATION"] = TransitionDuration,
                    ["DEREGISTER_STREAM_CONSUMER_DURATION"] = TransitionDuration,
                    ["START_STREAM_ENCRYPTION_DURATION"] = TransitionDuration,
                    ["STOP_STREAM_ENCRYPTION_DURATION"] = TransitionDuration,
                    ["SPLIT_SHARD_DURATION"] = TransitionDuration,
                    ["MERGE_SHARDS_DURATION"] = TransitionDuration,
                    ["UPDATE_SHARD_COUNT_DURATION"] = TransitionDuration,
                    ["UPDATE_STREAM_MODE_DURATION"] = TransitionDuration,
                    ["SHARD_LIMIT"] = "1000",
                    ["AWS_REGION"] = "us-east-1",
                    ["AWS_ACCOUNT_ID"] = "000000000000",
                    ["INITIALIZE_STREAMS"] = null,
                    ["SHOULD_PERSIST_DATA"] = "false",
                    ["LOAD_DATA_IF_EXISTS"] = "false",
                    ["LOG_LEVEL"] = "WARN",
                },
                Announcement = LoopbackAnnouncement(),
                AskedPorts = [PlainPort, TlsPort],
                HealthPath = "/healthcheck",
            },
            cancellationToken);
}
