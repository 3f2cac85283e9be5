using System.CommandLine;
using FastConsumer.Cli.Records;
using FastConsumer.Kinesis;

namespace FastConsumer.Cli.Commands.Streams;

/// <summary><c>stream delete</c>.</summary>
internal static class DeleteStreamCommand
{
    private static readonly Option<bool> s_withConsumers = new("--with-consumers")
    {
        Description = "Deletes it with the consumers that are registered on it.",
    };

    public static Command Create() => StreamChanges.CreateNamed(
        "delete", "Deletes a stream with all its records, and waits until it is gone.", RunAsync, s_withConsumers);

    private static async Task<int> RunAsync(ToolContext context, CancellationToken cancellationToken)
    {
        StreamIdentifier stream = StreamChanges.NameOf(context);
        IKinesisClient client = context.Fleet.Kinesis;
        StreamDescriptionSummary there = await client.DescribeStreamSummaryAsync(stream, cancellationToken);
        bool isWithConsumers = context.Arguments.GetValue(s_withConsumers);
        if (there.ConsumerCount > 0 && !isWithConsumers)
        {
            throw ToolException.Refused(
                $"Nothing was changed: {stream.Name} has {there.ConsumerCount} registered consumers, whose applications read it. With "
                    + "--with-consumers they are deleted too.");
        }

        var plan = new StreamChangeItem(
            "delete",
            there.StreamARN,
            $"{there.OpenShardCount} open shards, {there.ConsumerCount} consumers, all records of {there.RetentionPeriodHours} hours",
            IsDone: false);
        if (await StreamChanges.AskAsync(
            context, stream, $"Delete {stream.Name} and all its records?", plan, cancellationToken) is { } exitCode)
        {
            return exitCode;
        }

        await client.DeleteStreamAsync(stream, isWithConsumers, cancellationToken);
        return await StreamChanges.FinishAsync(context, stream, plan, isToVanish: true, cancellationToken);
    }
}
