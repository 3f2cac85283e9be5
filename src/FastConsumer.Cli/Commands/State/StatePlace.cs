using System.CommandLine;
using System.Security.Cryptography;
using FastConsumer.Checkpoints;
using FastConsumer.Cli.Connections;
using FastConsumer.S3;

namespace FastConsumer.Cli.Commands.State;

/// <summary>The store of the snapshots, as the command line names it.</summary>
internal static class StatePlace
{
    public static readonly Option<string?> Local = new("--local")
    {
        Description = "The folder of UseLocalCheckpoints. Default: FASTCONSUMER_LOCAL_CHECKPOINTS.",
        HelpName = "folder",
    };

    public static readonly Option<string?> Bucket = new("--s3")
    {
        Description = "The bucket of UseS3Checkpoints. Default: FASTCONSUMER_S3_BUCKET.",
        HelpName = "bucket",
    };

    public static readonly Option<string?> Prefix = new("--prefix")
    {
        Description = "The prefix of UseS3Checkpoints, such as state/orders. Default: FASTCONSUMER_S3_PREFIX, else none.",
        HelpName = "prefix",
    };

    public static readonly Option<string?> S3EndpointUrl = new("--s3-endpoint-url")
    {
        Description = "S3 at another address. Default: AWS_ENDPOINT_URL_S3.",
        HelpName = "url",
    };

    /// <summary>All that names the place.</summary>
    public static Option[] Options => [Local, Bucket, Prefix, S3EndpointUrl];

    /// <summary>Opens it; nothing is written. What it holds is disposed with the process, or by <c>IDisposable</c>.</summary>
    /// <exception cref="ToolException">What is meant was not said, or makes no sense.</exception>
    public static ICheckpointStore Open(ToolContext context)
    {
        (string? folder, string? bucket) = (
            FleetOptions.Read(context.Arguments, Local), FleetOptions.Read(context.Arguments, Bucket));
        if (folder is not null && bucket is not null)
        {
            throw ToolException.Usage("--local and --s3 exclude each other: the state of an application is in one place.");
        }

        if (folder is null && bucket is null)
        {
            // what the command line says comes before the environment
            folder = FleetOptions.Read(context.Arguments, Local, "FASTCONSUMER_LOCAL_CHECKPOINTS");
            bucket = FleetOptions.Read(context.Arguments, Bucket, "FASTCONSUMER_S3_BUCKET");
        }

        return (folder, bucket) switch
        {
            (null, null) => throw ToolException.Usage(
                "Where is the state? Name the folder with --local (or FASTCONSUMER_LOCAL_CHECKPOINTS), or the bucket with --s3 (or "
                    + "FASTCONSUMER_S3_BUCKET)."),
            (_, null) => OpenFolder(folder),
            (null, _) => OpenBucket(context, bucket),
            _ => throw ToolException.Usage(
                "FASTCONSUMER_LOCAL_CHECKPOINTS and FASTCONSUMER_S3_BUCKET are both set. Say --local or --s3."),
        };
    }

    private static LocalCheckpointStore OpenFolder(string folder) => Directory.Exists(folder)
        ? new LocalCheckpointStore(folder, CreateRandom())
        : throw new ToolException(
            ExitCodes.Failure, $"There is no folder '{Path.GetFullPath(folder)}'. --local names the folder of UseLocalCheckpoints.");

    private static S3CheckpointStore OpenBucket(ToolContext context, string bucket)
    {
        (string? region, string? profile) = context.Fleet.Named;
        var options = new S3CheckpointOptions
        {
            Bucket = bucket,
            Prefix = FleetOptions.Read(context.Arguments, Prefix, "FASTCONSUMER_S3_PREFIX"),
            Region = region,
            Profile = profile,
            ServiceUrl = FleetOptions.Read(context.Arguments, S3EndpointUrl),
        };
        foreach ((string property, string problem) in options.Problems())
        {
            string option = property switch
            {
                nameof(S3CheckpointOptions.Bucket) => Bucket.Name,
                nameof(S3CheckpointOptions.Prefix) => Prefix.Name,
                nameof(S3CheckpointOptions.ServiceUrl) => S3EndpointUrl.Name,
                _ => $"--{property.ToLowerInvariant()}",
            };
            throw ToolException.Usage($"{option}: {problem}");
        }

        return new S3CheckpointStore(
            options, () => new S3Connection(options), CreateRandom(), context.Time, new ErrorLog(context.Error));
    }

    private static Random CreateRandom() => new(RandomNumberGenerator.GetInt32(int.MaxValue));
}
