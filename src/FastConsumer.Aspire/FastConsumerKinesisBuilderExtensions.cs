using System.Buffers;
using Aspire.Hosting.ApplicationModel;
using FastConsumer.Aspire;

namespace Aspire.Hosting;

/// <summary>A local Kinesis in the application model.</summary>
public static class FastConsumerKinesisBuilderExtensions
{
    private const int LongestStreamName = 128;

    private static readonly SearchValues<char> s_streamName =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");

    private static readonly SearchValues<char> s_region = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>
    /// Adds a local Kinesis, the emulator of FastConsumer, which runs as a process and not in a container. It is healthy when it answers
    /// <c>GET /health</c>.
    /// </summary>
    /// <remarks>
    /// The program is the .NET tool FastConsumer.Cli in the version of this package. <c>dotnet tool exec</c> of the .NET 10 SDK runs it,
    /// and takes it from NuGet the first time; <see cref="WithTool"/> names another one. It is for development: where the app host is
    /// published, the resource and all references to it are left out.
    /// </remarks>
    /// <param name="builder">The app host.</param>
    /// <param name="name">The name of the resource.</param>
    /// <param name="port">The port for clients; <see langword="null"/>, the default, takes a free one.</param>
    /// <returns>The resource, for streams and more.</returns>
    public static IResourceBuilder<FastConsumerKinesisResource> AddFastConsumerKinesis(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, int? port = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        return builder.AddResource(new FastConsumerKinesisResource(name, builder.AppHostDirectory))
            .WithHttpEndpoint(port: port, name: FastConsumerKinesisResource.EndpointName)
            .WithArgs(static context => ((FastConsumerKinesisResource)context.Resource).AddArguments(context.Args))
            .WithHttpHealthCheck("/health", endpointName: FastConsumerKinesisResource.EndpointName)
            .OnBeforeResourceStarted(static (resource, _, _) =>
            {
                resource.Launch.RequireProgram(resource.Name);
                return Task.CompletedTask;
            })
            .ExcludeFromManifest();
    }

    /// <summary>Creates a stream at the start. One that a data folder holds already stays as it is.</summary>
    /// <param name="builder">The local Kinesis.</param>
    /// <param name="name">The stream's name: 1 to 128 letters, digits, <c>_</c>, <c>.</c> and <c>-</c>.</param>
    /// <param name="shards">The number of shards. The default is 1.</param>
    /// <returns>The same resource.</returns>
    /// <exception cref="ArgumentException">The name is none of a stream, or was added before.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="shards"/> is less than 1.</exception>
    public static IResourceBuilder<FastConsumerKinesisResource> WithStream(
        this IResourceBuilder<FastConsumerKinesisResource> builder, string name, int shards = 1)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(shards, 1);
        if (name.Length is 0 or > LongestStreamName || name.AsSpan().ContainsAnyExcept(s_streamName))
        {
            throw new ArgumentException(
                $"'{name}' is no name of a stream: give 1 to {LongestStreamName} letters, digits, '_', '.' and '-'.", nameof(name));
        }

        builder.Resource.AddStream(name, shards);
        return builder;
    }

    /// <summary>
    /// Keeps streams, records, consumers and settings in a folder: what was acknowledged is there at the next start. Without one they are
    /// gone when the app host ends.
    /// </summary>
    /// <param name="builder">The local Kinesis.</param>
    /// <param name="path">The folder, absolute or relative to the app host's. It is created where it is missing.</param>
    /// <returns>The same resource.</returns>
    public static IResourceBuilder<FastConsumerKinesisResource> WithDataFolder(
        this IResourceBuilder<FastConsumerKinesisResource> builder, string path)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(path);
        builder.Resource.DataFolder = Path.GetFullPath(path, builder.ApplicationBuilder.AppHostDirectory);
        return builder;
    }

    /// <summary>Sets the region in ARNs, which references get as <c>AWS_REGION</c>. The default is <c>us-east-1</c>.</summary>
    /// <param name="builder">The local Kinesis.</param>
    /// <param name="region">The region's system name, for example <c>eu-west-1</c>.</param>
    /// <returns>The same resource.</returns>
    /// <exception cref="ArgumentException">The name is none of a region.</exception>
    public static IResourceBuilder<FastConsumerKinesisResource> WithRegion(
        this IResourceBuilder<FastConsumerKinesisResource> builder, string region)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(region);
        if (region.Length == 0 || region.AsSpan().ContainsAnyExcept(s_region))
        {
            throw new ArgumentException($"'{region}' is no region: give its system name, for example us-east-1.", nameof(region));
        }

        builder.Resource.Region = region;
        return builder;
    }

    /// <summary>Runs a program that is there already, in place of the .NET tool that NuGet has.</summary>
    /// <param name="builder">The local Kinesis.</param>
    /// <param name="program">
    /// A path, absolute or relative to the app host's folder, to the native program or to <c>FastConsumer.Cli.dll</c>; or a name such as
    /// <c>fastconsumer</c>, which is looked for on the PATH and among the user's global .NET tools.
    /// </param>
    /// <returns>The same resource.</returns>
    public static IResourceBuilder<FastConsumerKinesisResource> WithTool(
        this IResourceBuilder<FastConsumerKinesisResource> builder, string program)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(program);
        return builder.WithLaunch(EmulatorLaunch.Program(program, builder.ApplicationBuilder.AppHostDirectory));
    }

    /// <summary>Runs another version of the .NET tool FastConsumer.Cli than that of this package.</summary>
    /// <param name="builder">The local Kinesis.</param>
    /// <param name="version">The version, for example <c>0.1.0</c>.</param>
    /// <returns>The same resource.</returns>
    public static IResourceBuilder<FastConsumerKinesisResource> WithToolVersion(
        this IResourceBuilder<FastConsumerKinesisResource> builder, string version)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(version);
        return builder.WithLaunch(EmulatorLaunch.Package(version));
    }

    /// <summary>
    /// Leads a program to the local Kinesis by the variables that FastConsumer and every AWS SDK read: <c>AWS_ENDPOINT_URL_KINESIS</c>,
    /// and, where the program has none yet, <c>AWS_REGION</c> and the credentials <c>AWS_ACCESS_KEY_ID</c> and
    /// <c>AWS_SECRET_ACCESS_KEY</c>, of which the emulator takes any.
    /// </summary>
    /// <remarks>
    /// A program has them where its resource says so (in any order), where the app host's environment has them, or where the profile does
    /// (<c>AWS_PROFILE</c>, or else the default one of <c>~/.aws</c>): they may be what leads it to other services. Where the app host is
    /// published, nothing is set.
    /// </remarks>
    /// <typeparam name="TDestination">What is led there.</typeparam>
    /// <param name="builder">The program.</param>
    /// <param name="source">The local Kinesis.</param>
    /// <returns>The same program.</returns>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<FastConsumerKinesisResource> source)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(source);
        if (builder.ApplicationBuilder.ExecutionContext.IsPublishMode)
        {
            return builder;
        }

        FastConsumerKinesisResource kinesis = source.Resource;
        return ResourceBuilderExtensions.WithReference(builder, (IResourceBuilder<IResourceWithConnectionString>)source)
            .WithEnvironment(context => SetWhereNone(context.EnvironmentVariables, kinesis));
    }

    private static IResourceBuilder<FastConsumerKinesisResource> WithLaunch(
        this IResourceBuilder<FastConsumerKinesisResource> builder, EmulatorLaunch launch)
    {
        builder.Resource.Launch = launch;
        return builder.WithCommand(launch.Command);
    }

    private static void SetWhereNone(Dictionary<string, object> environment, FastConsumerKinesisResource kinesis)
    {
        var aws = new AwsVariables(
            // what is set here does not count as given; what a resource has as an expression is a value that is not known yet
            name => environment.TryGetValue(name, out object? value) && value is not ValueWhereNone
                ? value as string ?? "given"
                : Environment.GetEnvironmentVariable(name),
            Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));
        environment.TryAdd(AwsVariables.Region, new ValueWhereNone(kinesis.Region, () => aws.HasRegion));
        environment.TryAdd(AwsVariables.AccessKeyId, new ValueWhereNone(AwsVariables.LocalCredential, () => aws.HasCredentials));
        environment.TryAdd(AwsVariables.SecretAccessKey, new ValueWhereNone(AwsVariables.LocalCredential, () => aws.HasCredentials));
    }
}
