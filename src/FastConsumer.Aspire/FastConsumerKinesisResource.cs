using FastConsumer.Aspire;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>
/// A local Kinesis: <c>fastconsumer emulator</c> as a process of the app host. It is for development, and in no manifest.
/// </summary>
public sealed class FastConsumerKinesisResource : ExecutableResource, IResourceWithConnectionString
{
    internal const string EndpointName = "http";

    private readonly Dictionary<string, int> _streams = new(StringComparer.Ordinal);

    /// <summary>A resource that is in no application model yet: <c>AddFastConsumerKinesis</c> makes one that is.</summary>
    /// <param name="name">The name of the resource.</param>
    /// <param name="workingDirectory">The folder to start the process in. NuGet's settings are looked for there and above.</param>
    public FastConsumerKinesisResource(string name, string workingDirectory)
        : base(name, EmulatorLaunch.Dotnet, workingDirectory) => PrimaryEndpoint = new EndpointReference(this, EndpointName);

    /// <summary>Where the emulator takes requests, by HTTP.</summary>
    public EndpointReference PrimaryEndpoint { get; }

    /// <summary>The URL of the emulator.</summary>
    public ReferenceExpression UriExpression => ReferenceExpression.Create($"{PrimaryEndpoint.Property(EndpointProperty.Url)}");

    /// <summary>The connection string is the URL of the emulator.</summary>
    public ReferenceExpression ConnectionStringExpression => UriExpression;

    /// <summary>
    /// <c>AWS_ENDPOINT_URL_KINESIS</c>, which every AWS SDK and FastConsumer read: whatever references this resource never goes to AWS.
    /// </summary>
    public string ConnectionStringEnvironmentVariable => AwsVariables.KinesisEndpoint;

    /// <summary>The region in ARNs. The default is <c>us-east-1</c>.</summary>
    public string Region { get; internal set; } = "us-east-1";

    /// <summary>The streams that are created at the start: names, and their numbers of shards.</summary>
    public IReadOnlyDictionary<string, int> Streams => _streams;

    /// <summary>The folder that streams and records are kept in; <see langword="null"/>, the default, keeps them in memory.</summary>
    public string? DataFolder { get; internal set; }

    internal EmulatorLaunch Launch { get; set; } = EmulatorLaunch.Package(EmulatorLaunch.OwnVersion);

    IEnumerable<KeyValuePair<string, ReferenceExpression>> IResourceWithConnectionString.GetConnectionProperties()
    {
        yield return new("Uri", UriExpression);
        yield return new("Region", ReferenceExpression.Create($"{Region}"));
    }

    internal void AddStream(string name, int shardCount)
    {
        if (!_streams.TryAdd(name, shardCount))
        {
            throw new ArgumentException($"The stream '{name}' of resource '{Name}' was added before: add each stream once.", nameof(name));
        }
    }

    /// <summary>What is behind the command: how the program is started, then what it is told.</summary>
    internal void AddArguments(IList<object> arguments)
    {
        foreach (string argument in Launch.Arguments)
        {
            arguments.Add(argument);
        }

        arguments.Add("emulator");
        arguments.Add("--port");
        arguments.Add(PrimaryEndpoint.Property(EndpointProperty.TargetPort));
        arguments.Add("--region");
        arguments.Add(Region);
        foreach ((string stream, int shardCount) in _streams)
        {
            arguments.Add("--stream");
            arguments.Add(FormattableString.Invariant($"{stream}:{shardCount}"));
        }

        if (DataFolder is not null)
        {
            arguments.Add("--data");
            arguments.Add(DataFolder);
        }
    }
}
