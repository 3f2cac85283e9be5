using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using FastConsumer.Cli.Output;
using FastConsumer.Cli.Records;
using FastConsumer.Kinesis;

namespace FastConsumer.Cli.Commands.Records;

/// <summary><c>tail</c> and <c>peek</c>: the records of a stream.</summary>
internal static class TailCommand
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private static readonly Option<string?> s_from = new("--from")
    {
        Description = "trim, latest, -N (the last N records of each shard), a time with its offset, a duration back such as -15m, or with "
            + "--shard a sequence number. Default: latest for tail, -10 for peek.",
        HelpName = "place",
    };

    private static readonly Option<string?> s_until = new("--until")
    {
        Description = "Ends each shard behind this time: with its offset, or a duration back such as -5m.",
        HelpName = "time",
    };

    private static readonly Option<int?> s_max = new("--max", "-n") { Description = "Ends after so many records.", HelpName = "records" };

    private static readonly Option<string?> s_key = new("--key")
    {
        Description = "Only records with this partition key.",
        HelpName = "key",
    };

    private static readonly Option<string?> s_grep = new("--grep")
    {
        Description = "Only records whose value, decompressed, matches this regular expression of .NET.",
        HelpName = "regex",
    };

    private static readonly Option<bool> s_end = new("--end", "-e") { Description = "Ends each shard at its newest record." };

    private static readonly Option<string?> s_format = new("--format", "-f")
    {
        Description = @"How a record is written: %t arrival, %s shard, %k partition key, %o sequence number, %v value, %%, \n, \t, \\. "
            + $"Default: '{RecordFormat.Usual}'.",
        HelpName = "format",
    };

    private static readonly Option<bool> s_raw = new("--raw")
    {
        Description = "Writes keys and values as they are, control characters too: to a file or another program only.",
    };

    private static readonly Option<string?> s_save = new("--save")
    {
        Description = "Writes the records to a new file instead, with all that a handler sees of them: ProcessorHarness.ReplayAsync of "
            + "FastConsumer.Testing runs them in a test.",
        HelpName = "file",
    };

    private static readonly Option<string?> s_fanOut = new("--fan-out")
    {
        Description = "Reads by the subscriptions of this registered consumer, which take nothing of the shards' quota. An application "
            + "that reads by the same consumer loses its subscriptions meanwhile.",
        HelpName = "consumer",
    };

    private static readonly Option<double> s_calls = new("--calls-per-second")
    {
        Description = "The most calls of a shard, of the 5 a second that all its readers have together.",
        HelpName = "0.1-5",
        DefaultValueFactory = static _ => 1,
    };

    public static Command CreateTail() => Create(
        "tail", "Shows the records of a stream as they come, until Ctrl+C.", isPeek: false, s_end);

    public static Command CreatePeek() => Create(
        "peek", "Shows the last records of each shard, or those from another place on, and ends at the newest.", isPeek: true);

    private static Command Create(string name, string description, bool isPeek, params ReadOnlySpan<Option> more) =>
        ToolCommand.CreateStreamCommand(
            name,
            description,
            (context, cancellationToken) => RunAsync(context, isPeek, cancellationToken),
            [s_from, s_until, s_max, s_key, s_grep, .. more, s_format, s_raw, s_save, CommonOptions.Shard, s_fanOut, s_calls]);

    private static async Task<int> RunAsync(ToolContext context, bool isPeek, CancellationToken cancellationToken)
    {
        ParseResult arguments = context.Arguments;
        StreamIdentifier stream = await context.Fleet.StreamAsync(null, cancellationToken);
        StreamTailSettings settings = SettingsOf(context, stream, isPeek);
        Func<KinesisRecord, bool> isWanted = FilterOf(arguments);
        int max = arguments.GetValue(s_max) is not { } number ? int.MaxValue
            : number > 0 ? number
            : throw ToolException.Usage($"--max {number}: give 1 or more records.");
        IRecordOutput CreateOutput() => arguments.GetValue(s_save) is { Length: > 0 } path
            ? RecordSaver.Create(path, stream, context)
            : new RecordPrinter(context, stream, FormatOf(context), IsRaw(arguments));

        // what is wrong with the arguments is said before the first call
        _ = FormatOf(context);
        _ = IsRaw(arguments);
        if (arguments.GetValue(s_fanOut) is { Length: > 0 } consumer)
        {
            settings = settings with { ConsumerArn = await FindConsumerAsync(context, stream, consumer, cancellationToken) };
        }

        await using IRecordOutput output = CreateOutput();
        try
        {
            await ReadAsync(new StreamTail(context.Fleet.Kinesis, settings), output, isWanted, max, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await output.EndAsync();
            return isPeek ? ExitCodes.Interrupted : ExitCodes.Success;
        }
        catch (RegexMatchTimeoutException)
        {
            throw ToolException.Usage($"--grep '{arguments.GetValue(s_grep)}' takes too long on a value: write a simpler expression.");
        }

        await output.EndAsync();
        return ExitCodes.Success;
    }

    private static async Task ReadAsync(
        StreamTail tail, IRecordOutput output, Func<KinesisRecord, bool> isWanted, int max, CancellationToken cancellationToken)
    {
        int left = max;
        await foreach (TailPage page in tail.ReadAsync(cancellationToken))
        {
            List<KinesisRecord> records = [.. page.Records.Where(isWanted).Take(left)];
            if (records.Count > 0)
            {
                await output.WriteAsync(page.ShardId, records);
                left -= records.Count;
            }

            if (left == 0)
            {
                return;
            }
        }
    }

    private static StreamTailSettings SettingsOf(ToolContext context, StreamIdentifier stream, bool isPeek)
    {
        ParseResult arguments = context.Arguments;
        DateTimeOffset now = context.Time.GetUtcNow();
        string? shardId = arguments.GetValue(CommonOptions.Shard) is { Length: > 0 } named ? named : null;
        ReadStart start = ReadStart.Parse(arguments.GetValue(s_from) ?? (isPeek ? "-10" : "latest"), now, shardId);
        bool isFanOut = arguments.GetValue(s_fanOut) is { Length: > 0 };
        if (isFanOut && start.Last is not null)
        {
            throw ToolException.Usage("A subscription cannot begin at the last N records: with --fan-out, name a time with --from, such "
                + "as -15m.");
        }

        double calls = arguments.GetValue(s_calls);
        if (calls is not (>= 0.1 and <= 5))
        {
            throw ToolException.Usage(string.Create(
                CultureInfo.InvariantCulture, $"--calls-per-second {calls}: give 0.1 to 5, which is all that a shard has."));
        }

        return new StreamTailSettings
        {
            Stream = stream,
            Start = start,
            ShardId = shardId,
            Until = arguments.GetValue(s_until) is { } until ? Times.Parse("--until", until, now, isAhead: false) : null,
            EndsAtTip = isPeek || arguments.GetValue(s_end),
            CallsPerSecond = calls,
            Time = context.Time,
            Note = context.Error.WriteLine,
        };
    }

    private static Func<KinesisRecord, bool> FilterOf(ParseResult arguments)
    {
        string? key = arguments.GetValue(s_key);
        if (arguments.GetValue(s_grep) is not { Length: > 0 } pattern)
        {
            return record => key is null || record.PartitionKey == key;
        }

        Regex regex;
        try
        {
            regex = new Regex(pattern, RegexOptions.CultureInvariant, s_patience);
        }
        catch (ArgumentException e)
        {
            throw ToolException.Usage($"--grep is no regular expression: {e.Message}");
        }

        return record => (key is null || record.PartitionKey == key) && regex.IsMatch(RecordValue.Of(record).Text);
    }

    private static RecordFormat FormatOf(ToolContext context) => RecordFormat.Parse(
        context.Arguments.GetValue(s_format) ?? (context.Format == OutputFormat.Wide ? RecordFormat.Wide : RecordFormat.Usual));

    private static bool IsRaw(ParseResult arguments) => arguments.GetValue(s_raw)
        && (Console.IsOutputRedirected
            ? true
            : throw ToolException.Usage("--raw writes control characters, which could steer the terminal: send the output to a file."));

    /// <summary>The consumer's ARN. None is registered here: that costs money until somebody deregisters it.</summary>
    private static async Task<string> FindConsumerAsync(
        ToolContext context, StreamIdentifier stream, string name, CancellationToken cancellationToken)
    {
        string arn = (await context.Fleet.Kinesis.DescribeStreamSummaryAsync(stream, cancellationToken)).StreamARN;
        try
        {
            Consumer consumer = await context.Fleet.Kinesis.DescribeStreamConsumerAsync(arn, name, cancellationToken);
            return consumer.ConsumerStatus == "ACTIVE"
                ? consumer.ConsumerARN
                : throw new ToolException(
                    ExitCodes.Failure, $"The consumer {name} of {stream.Name} is {consumer.ConsumerStatus}: wait until it is ACTIVE.");
        }
        catch (KinesisException e) when (e.Kind == KinesisErrorKind.NotFound)
        {
            throw new ToolException(
                ExitCodes.Failure,
                $"The stream {stream.Name} has no consumer '{name}', and the tool registers none: each costs money by the hour. "
                    + $"'aws kinesis register-stream-consumer --stream-arn {arn} --consumer-name {name}' does; deregister it afterwards.");
        }
    }
}
