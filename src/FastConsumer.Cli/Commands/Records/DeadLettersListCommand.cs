using System.CommandLine;
using System.Runtime.CompilerServices;
using System.Globalization;
using System.Text.Json;
using FastConsumer.Cli.Output;
using FastConsumer.Cli.Records;
using FastConsumer.Kinesis;

namespace FastConsumer.Cli.Commands.Records;

/// <summary><c>dead-letters list</c>: what was left out, and why. Payloads are not shown: <c>peek</c> does.</summary>
internal static class DeadLettersListCommand
{
    private static readonly Option<int?> s_max = new("--max", "-n") { Description = "Ends after so many letters.", HelpName = "letters" };

    public static Command Create() => DeadLetterSource.CreateCommand(
        "list", "Lists the dead letters of a file, or of a stream, where the service keeps no reason.", RunAsync, s_max);

    private static async Task<int> RunAsync(ToolContext context, CancellationToken cancellationToken)
    {
        int max = context.Arguments.GetValue(s_max) is not { } number ? int.MaxValue
            : number > 0 ? number
            : throw ToolException.Usage($"--max {number}: give 1 or more letters.");
        (string? file, StreamIdentifier stream) = DeadLetterSource.Of(context);
        var table = new TextTable("ARRIVED", "STREAM", "SHARD", "POSITION", "KEY", "BYTES", "ATTEMPTS", "EXCEPTION", "MESSAGE");
        int left = max;
        await foreach (DeadLetterLine letter in file is not null
            ? OfFileAsync(context, file, cancellationToken)
            : OfStreamAsync(context, stream, cancellationToken))
        {
            if (context.Format == OutputFormat.Json)
            {
                context.Out.WriteLine(JsonSerializer.Serialize(letter, RecordDocumentJson.Plain.DeadLetterLine));
            }
            else
            {
                string position = letter.SubSequenceNumber == 0
                    ? letter.SequenceNumber
                    : string.Create(CultureInfo.InvariantCulture, $"{letter.SequenceNumber}:{letter.SubSequenceNumber}");
                table.Add(
                    Words.Of(letter.Arrival), letter.Stream, letter.ShardId, position, letter.PartitionKey, Words.Bytes(letter.Bytes),
                    Words.Of(letter.Attempts), letter.Exception, letter.Message);
            }

            if (--left == 0)
            {
                break;
            }
        }

        if (context.Format != OutputFormat.Json)
        {
            table.WriteTo(context.Console, "There are no dead letters.");
        }

        return ExitCodes.Success;
    }

    private static async IAsyncEnumerable<DeadLetterLine> OfFileAsync(
        ToolContext context, string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (FileLetter letter in DeadLetterFile.ReadAsync(path, context.Error.WriteLine, cancellationToken))
        {
            yield return new DeadLetterLine(
                1,
                letter.Application,
                letter.Processor,
                letter.Stream,
                letter.ShardId,
                letter.SequenceNumber,
                letter.SubSequenceNumber,
                letter.ApproximateArrivalTimestamp,
                letter.PartitionKey,
                letter.ExplicitHashKey,
                letter.Attempts,
                letter.Exception,
                letter.Message,
                letter.DecidedBy,
                letter.Reason,
                letter.Data.Length);
        }
    }

    private static async IAsyncEnumerable<DeadLetterLine> OfStreamAsync(
        ToolContext context, StreamIdentifier stream, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (TailPage page in DeadLetterSource.Read(context, stream).ReadAsync(cancellationToken))
        {
            foreach (KinesisRecord record in page.Records)
            {
                yield return new DeadLetterLine(
                    1,
                    Application: null,
                    Processor: null,
                    stream.Name,
                    page.ShardId,
                    record.SequenceNumber.ToString(),
                    record.SubSequenceNumber,
                    record.ApproximateArrivalTimestamp,
                    record.PartitionKey,
                    record.ExplicitHashKey?.ToString(CultureInfo.InvariantCulture),
                    Attempts: null,
                    Exception: null,
                    Message: null,
                    DecidedBy: null,
                    Reason: null,
                    record.Data.Length);
            }
        }
    }
}
