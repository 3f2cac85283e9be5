using System.CommandLine;
using System.Text.Json;
using FastConsumer.Cli.Commands.Changes;
using FastConsumer.Cli.Output;
using FastConsumer.Cli.Records;
using FastConsumer.Kinesis;
using Spectre.Console;

namespace FastConsumer.Cli.Commands.Records;

/// <summary><c>dead-letters replay</c>: puts letters into a stream again.</summary>
internal static class DeadLettersReplayCommand
{
    private const int LongestKey = 256;

    private static readonly Option<string?> s_to = new("--to") { Description = "The stream that gets them.", HelpName = "stream" };

    private static readonly Option<string?> s_progress = new("--progress")
    {
        Description = "Keeps how far it is, so that the same command goes on after Ctrl+C. Default: a file beside the letters, or in this "
            + "directory for a stream.",
        HelpName = "file",
    };

    public static Command Create() => DeadLetterSource.CreateCommand(
        "replay",
        "Puts dead letters into a stream again, with payload, partition key and explicit hash key. They stay where they lie.",
        RunAsync,
        s_to,
        s_progress,
        CommonOptions.DryRun,
        CommonOptions.Yes);

    private static async Task<int> RunAsync(ToolContext context, CancellationToken cancellationToken)
    {
        (string? file, StreamIdentifier source) = DeadLetterSource.Of(context);
        StreamIdentifier target = context.Arguments.GetValue(s_to) is { Length: > 0 } to
            ? DeadLetterSource.ParseStream("--to", to)
            : throw ToolException.Usage("Which stream gets the letters? Name it with --to.");
        if (file is null && target.Name == source.Name)
        {
            throw ToolException.Usage($"--to {target} is where the letters come from: they would be letters for ever.");
        }

        StreamDescriptionSummary summary = await context.Fleet.Kinesis.DescribeStreamSummaryAsync(target, cancellationToken);
        string name = file is null ? source.ToString() : Path.GetFullPath(file);
        var journal = ReplayJournal.Open(
            context.Arguments.GetValue(s_progress) ?? (file is null ? $"{source.Name}-to-{target.Name}.progress" : $"{file}.progress"),
            name,
            summary.StreamARN);
        string letters = file is null
            ? "all letters that are there now"
            : $"{await CountAsync(context, file, journal.Line, cancellationToken)} letters";
        string readers = await ReadersAsync(context, summary, cancellationToken);
        var plan = new StreamChangeItem(
            "replay", summary.StreamARN, $"{letters} of {name}, {journal.Done} were put before; {readers}", IsDone: false);
        if (await Confirmation.AskAsync(
            context,
            $"Put {letters} into {target.Name}?",
            console => Write(console, plan, journal),
            () => JsonSerializer.Serialize(
                new StreamChangesDocument(1, "plan", target.Name, [plan]), RecordDocumentJson.Plain.StreamChangesDocument),
            cancellationToken) is { } exitCode)
        {
            return exitCode;
        }

        long before = journal.Done;
        var putter = new RecordPutter(context.Fleet.Kinesis, target, context.Time, context.Error.WriteLine);
        try
        {
            await (file is null
                ? PutStreamAsync(context, source, putter, journal, cancellationToken)
                : PutFileAsync(context, file, putter, journal, cancellationToken));
        }
        catch (Exception e) when (e is ToolException or KinesisException or OperationCanceledException or IOException)
        {
            await context.Error.WriteLineAsync(
                $"{journal.Done - before} letters were put, and {journal.Path} says which. The same command goes on; letters of the "
                    + "request "
                    + "that was under way may be put twice.");
            throw;
        }

        if (context.Format == OutputFormat.Json)
        {
            context.Out.WriteLine(JsonSerializer.Serialize(
                new ReplayDocument(1, "replay", name, summary.StreamARN, journal.Done - before, before, journal.Path),
                RecordDocumentJson.Plain.ReplayDocument));
        }
        else
        {
            context.Out.WriteLine(
                $"Put {journal.Done - before} letters into {target.Name}. {journal.Path} keeps that they were put: the same command "
                    + "puts only "
                    + "what comes to them.");
        }

        return ExitCodes.Success;
    }

    private static async Task<long> CountAsync(ToolContext context, string file, long done, CancellationToken cancellationToken)
    {
        long count = 0;
        long last = 0;
        await foreach (FileLetter letter in DeadLetterFile.ReadAsync(file, context.Error.WriteLine, cancellationToken))
        {
            last = letter.Line;
            count += letter.Line > done ? 1 : 0;
        }

        return last >= done
            ? count
            : throw ToolException.Refused(
                $"Nothing was put: {file} ends at line {last}, and its progress file says that line {done} was put. It is another file: "
                    + "name "
                    + "another progress file with --progress.");
    }

    /// <summary>Who gets the letters too. Applications that poll are not known to the service.</summary>
    private static async Task<string> ReadersAsync(
        ToolContext context, StreamDescriptionSummary target, CancellationToken cancellationToken)
    {
        List<string> names = [];
        string? token = null;
        do
        {
            ListStreamConsumersResponse page =
                await context.Fleet.Kinesis.ListStreamConsumersAsync(target.StreamARN, token, cancellationToken);
            names.AddRange(page.Consumers.Select(static consumer => consumer.ConsumerName));
            token = page.NextToken;
        }
        while (token is not null);
        return $"{(names.Count == 0 ? "no registered consumer reads it" : $"read by {string.Join(", ", names)}")}, and by every "
            + "application "
            + "that polls it";
    }

    private static async Task PutFileAsync(
        ToolContext context, string file, RecordPutter putter, ReplayJournal journal, CancellationToken cancellationToken)
    {
        List<FileLetter> batch = [];
        await foreach (FileLetter letter in DeadLetterFile.ReadAsync(file, static _ => { }, cancellationToken))
        {
            if (letter.Line > journal.Line)
            {
                batch.Add(letter);
            }

            if (batch.Count == RecordPutter.MostRecords)
            {
                await PutBatchAsync();
            }
        }

        await PutBatchAsync();

        async Task PutBatchAsync()
        {
            await PutAllAsync(
                putter,
                batch,
                static letter => new PutRecordsRequestEntry(letter.Data, KeyOf(letter.PartitionKey, letter.ShardId), letter.HashKey),
                static letter => $"line {letter.Line}",
                letter => journal.Note(letter.Line, 1),
                () => journal.Note(batch[^1].Line, batch.Count),
                cancellationToken);
            batch.Clear();
        }
    }

    private static async Task PutStreamAsync(
        ToolContext context, StreamIdentifier source, RecordPutter putter, ReplayJournal journal, CancellationToken cancellationToken)
    {
        await foreach (TailPage page in DeadLetterSource.Read(context, source).ReadAsync(cancellationToken))
        {
            foreach (KinesisRecord[] batch in page.Records
                    .Where(record => !journal.IsDone(page.ShardId, record)).Chunk(RecordPutter.MostRecords))
            {
                await PutAllAsync(
                    putter,
                    batch,
                    record => new PutRecordsRequestEntry(record.Data, KeyOf(record.PartitionKey, page.ShardId), record.ExplicitHashKey),
                    record => $"record {record.Position} of {page.ShardId}",
                    record => journal.Note(page.ShardId, record.Position, 1),
                    () => journal.Note(page.ShardId, batch[^1].Position, batch.Length),
                    cancellationToken);
            }
        }
    }

    /// <summary>Puts letters in one go; where the service refuses the request, one by one, so that it is known which.</summary>
    private static async Task PutAllAsync<T>(
        RecordPutter putter,
        IReadOnlyList<T> letters,
        Func<T, PutRecordsRequestEntry> recordOf,
        Func<T, string> nameOf,
        Action<T> noteOne,
        Action noteAll,
        CancellationToken cancellationToken)
    {
        if (letters.Count == 0)
        {
            return;
        }

        bool isRefused = false;
        long before = putter.Records;
        try
        {
            await putter.PutAsync([.. letters.Select(recordOf)], cancellationToken);
        }
        // a batch may be more than one request: what was taken already is not put again
        catch (KinesisException e) when (e.Kind == KinesisErrorKind.Client && putter.Records == before)
        {
            isRefused = true;
        }

        if (!isRefused)
        {
            noteAll();
            return;
        }

        foreach (T letter in letters)
        {
            try
            {
                await putter.PutAsync([recordOf(letter)], cancellationToken);
            }
            catch (KinesisException e) when (e.Kind == KinesisErrorKind.Client)
            {
                throw new ToolException(ExitCodes.Failure, $"The target does not take {nameOf(letter)}: {e.Message}");
            }

            noteOne(letter);
        }
    }

    /// <summary>Aggregates may hold records whose keys are none of Kinesis: such a letter goes by its shard, as the sink does it.</summary>
    private static string KeyOf(string key, string shardId) => key.Length is > 0 and <= LongestKey ? key : shardId;

    private static void Write(IAnsiConsole console, StreamChangeItem plan, ReplayJournal journal)
    {
        console.WriteLine($"To {plan.Target}: {plan.Detail}.");
        console.WriteLine($"What is put is noted in {journal.Path}.");
    }
}
