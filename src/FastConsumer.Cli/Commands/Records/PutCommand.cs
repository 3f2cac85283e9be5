using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FastConsumer.Cli.Output;
using FastConsumer.Cli.Records;
using FastConsumer.Kinesis;

namespace FastConsumer.Cli.Commands.Records;

/// <summary><c>put</c>: lines become records.</summary>
internal static class PutCommand
{
    private const int UsualRecordBytes = 1024 * 1024;
    private const int LargestRecordBytes = 10 * 1024 * 1024;

    private static readonly Option<string?> s_file = new("--file")
    {
        Description = "Reads the lines of this file. Default: standard input.",
        HelpName = "file",
    };

    private static readonly Option<string?> s_hashKey = new("--explicit-hash-key")
    {
        Description = "Decides on the shard instead of the partition key: a number of 128 bits.",
        HelpName = "number",
    };

    private static readonly Option<int> s_maxBytes = new("--max-record-bytes")
    {
        Description = "The longest line: 1 MiB, as streams take it, or up to 10 MiB where the stream was told to take more.",
        HelpName = "bytes",
        DefaultValueFactory = static _ => UsualRecordBytes,
    };

    public static Command Create() => ToolCommand.CreateStreamCommand(
        "put",
        "Puts each line of standard input, or of a file, as a record. Empty lines are left out.",
        RunAsync,
        s_file,
        KeyChoice.Key,
        KeyChoice.KeyRegex,
        KeyChoice.KeyJson,
        s_hashKey,
        s_maxBytes);

    private static async Task<int> RunAsync(ToolContext context, CancellationToken cancellationToken)
    {
        ParseResult arguments = context.Arguments;
        StreamIdentifier stream = await context.Fleet.StreamAsync(null, cancellationToken);
        Func<InputLine, string> keyOf = KeyChoice.Parse(arguments);
        UInt128? hashKey = ParseHashKey("--explicit-hash-key", arguments.GetValue(s_hashKey));
        int mostBytes = arguments.GetValue(s_maxBytes) is > 0 and <= LargestRecordBytes and int bytes
            ? bytes
            : throw ToolException.Usage($"--max-record-bytes {arguments.GetValue(s_maxBytes)}: give 1 to {LargestRecordBytes}.");
        await using Stream input = OpenInput(arguments.GetValue(s_file));
        var putter = new RecordPutter(context.Fleet.Kinesis, stream, context.Time, context.Error.WriteLine);
        try
        {
            await foreach (IReadOnlyList<InputLine> lines in InputLines.ReadAsync(
                input, mostBytes, RecordPutter.MostRecords, cancellationToken))
            {
                await PutAsync(putter, lines, keyOf, hashKey, cancellationToken);
            }
        }
        catch (Exception e) when (e is ToolException or KinesisException or OperationCanceledException or IOException)
        {
            await context.Error.WriteLineAsync(
                $"{(e is OperationCanceledException ? "At least " : "")}{putter.Records} records were put before it ended.");
            throw;
        }

        Show(context, stream, putter);
        return ExitCodes.Success;
    }

    /// <summary>Where a line gives no key, those before it are put all the same.</summary>
    private static async Task PutAsync(
        RecordPutter putter,
        IReadOnlyList<InputLine> lines,
        Func<InputLine, string> keyOf,
        UInt128? hashKey,
        CancellationToken cancellationToken)
    {
        List<PutRecordsRequestEntry> records = [];
        ToolException? wrong = null;
        foreach (InputLine line in lines)
        {
            try
            {
                records.Add(new PutRecordsRequestEntry(line.Data, keyOf(line), hashKey));
            }
            catch (ToolException e)
            {
                wrong = e;
                break;
            }
        }

        await putter.PutAsync(records, cancellationToken);
        if (wrong is not null)
        {
            throw wrong;
        }
    }

    /// <exception cref="ToolException">It is no hash key.</exception>
    public static UInt128? ParseHashKey(string option, string? text) => text is null ? null
        : UInt128.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out UInt128 number) ? number
        : throw ToolException.Usage($"{option} '{text}' is no hash key: a number from 0 to {UInt128.MaxValue}.");

    private static Stream OpenInput(string? path)
    {
        if (path is null)
        {
            return Console.OpenStandardInput();
        }

        return File.Exists(path)
            ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)
            : throw new ToolException(ExitCodes.Failure, $"--file {path}: there is no such file.");
    }

    private static void Show(ToolContext context, StreamIdentifier stream, RecordPutter putter)
    {
        if (context.Format == OutputFormat.Json)
        {
            context.Out.WriteLine(JsonSerializer.Serialize(
                new PutDocument(
                    1,
                    "put",
                    stream.Name,
                    putter.Records,
                    putter.Bytes,
                    putter.PutAgain,
                    [.. putter.ByShard.Select(static shard => new PutShardItem(shard.Key, shard.Value))]),
                RecordDocumentJson.Plain.PutDocument));
            return;
        }

        string again = putter.PutAgain == 0 ? "" : $" {putter.PutAgain} were throttled, and put again.";
        context.Out.WriteLine(
            $"Put {putter.Records} records ({Words.Bytes(putter.Bytes)}) into {putter.ByShard.Count} shards of {stream.Name}.{again}");
    }
}
