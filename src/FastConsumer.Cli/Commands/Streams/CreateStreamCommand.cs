using System.CommandLine;
using FastConsumer.Cli.Records;
using FastConsumer.Kinesis;

namespace FastConsumer.Cli.Commands.Streams;

/// <summary><c>stream create</c>.</summary>
internal static class CreateStreamCommand
{
    private static readonly Option<int?> s_shards = new("--shards") { Description = "So many shards, provisioned.", HelpName = "number" };

    private static readonly Option<bool> s_onDemand = new("--on-demand") { Description = "On demand: the service shards it by itself." };

    public static Command Create() => StreamChanges.CreateNamed(
        "create", "Creates a stream, and waits until it is ACTIVE. On AWS it costs money from then on.", RunAsync, s_shards, s_onDemand);

    private static async Task<int> RunAsync(ToolContext context, CancellationToken cancellationToken)
    {
        StreamIdentifier stream = StreamChanges.NameOf(context);
        int? shards = context.Arguments.GetValue(s_shards);
        bool isOnDemand = context.Arguments.GetValue(s_onDemand);
        if (shards is null != isOnDemand || stream.Arn is not null)
        {
            throw ToolException.Usage(stream.Arn is null
                ? "How large is the stream to be? Give --shards N, or --on-demand."
                : $"A stream is created by its name: {stream.Name}.");
        }

        if (shards < 1)
        {
            throw ToolException.Usage($"--shards {shards}: a stream has 1 shard or more.");
        }

        IKinesisClient client = context.Fleet.Kinesis;
        try
        {
            StreamDescriptionSummary there = await client.DescribeStreamSummaryAsync(stream, cancellationToken);
            throw ToolException.Refused(
                $"Nothing was changed: {there.StreamARN} exists already, with {there.OpenShardCount} open shards. Choose another name.");
        }
        catch (KinesisException e) when (e.Kind == KinesisErrorKind.NotFound)
        {
            // as it should be
        }

        var plan = new StreamChangeItem("create", stream.Name, isOnDemand ? "on demand" : $"{shards} shards", IsDone: false);
        if (await StreamChanges.AskAsync(
            context, stream, $"Create {stream.Name} at {client.EndpointDescription}?", plan, cancellationToken) is { } exitCode)
        {
            return exitCode;
        }

        await client.CreateStreamAsync(stream.Name, shards, cancellationToken);
        return await StreamChanges.FinishAsync(context, stream, plan, isToVanish: false, cancellationToken);
    }
}
