using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using FastConsumer.Kinesis;

namespace FastConsumer.Cli.Records;

/// <summary>Reads a file that <c>UseDeadLettersToFile</c> has written.</summary>
internal static class DeadLetterFile
{
    /// <summary>Its letters, in their order.</summary>
    /// <param name="path">The file.</param>
    /// <param name="note">Hears of lines that are none.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ToolException">There is no such file, or no letter in it.</exception>
    public static async IAsyncEnumerable<FileLetter> ReadAsync(
        string path, Action<string> note, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            throw new ToolException(ExitCodes.Failure, $"--file {path}: there is no such file.");
        }

        long number = 0;
        string? torn = null;
        // its worker may write on
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            number++;
            if (torn is not null)
            {
                note(torn);
                torn = null;
            }

            if (Parse(line) is { } letter)
            {
                letter.Line = number;
                yield return letter;
            }
            else
            {
                // said where another one follows: the last may be about to be written
                torn = $"Line {number} of {path} is no dead letter, as where a crash has torn it: it is left out. A record whose letter "
                    + "was "
                    + "torn comes again.";
            }
        }

        if (torn is not null && number == 1)
        {
            throw new ToolException(ExitCodes.Failure, $"{path} holds no dead letter that UseDeadLettersToFile has written.");
        }
    }

    private static FileLetter? Parse(string line)
    {
        try
        {
            FileLetter? letter = JsonSerializer.Deserialize(line, FileLetterContext.Default.FileLetter);
            return letter is not null
                && SequenceNumber.TryParse(letter.SequenceNumber, out _)
                && (letter.ExplicitHashKey is null || letter.HashKey is not null)
                    ? letter
                    : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>A line of such a file: src/FastConsumer/Dispatch/FileDeadLetterSink.cs writes it.</summary>
internal sealed record FileLetter(
    string? Application,
    string? Processor,
    string? Stream,
    string ShardId,
    string SequenceNumber,
    long SubSequenceNumber,
    string PartitionKey,
    DateTimeOffset ApproximateArrivalTimestamp,
    int Attempts,
    string? Exception,
    string? Message,
    byte[] Data)
{
    public string? ExplicitHashKey { get; init; }

    public string? DecidedBy { get; init; }

    public string? Reason { get; init; }

    /// <summary>From 1.</summary>
    [JsonIgnore]
    public long Line { get; set; }

    [JsonIgnore]
    public UInt128? HashKey =>
        UInt128.TryParse(ExplicitHashKey, NumberStyles.None, CultureInfo.InvariantCulture, out UInt128 number) ? number : null;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(FileLetter))]
internal sealed partial class FileLetterContext : JsonSerializerContext;
