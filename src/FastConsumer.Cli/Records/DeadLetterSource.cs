using System.CommandLine;
using FastConsumer.Cli.Connections;
using FastConsumer.Kinesis;

namespace FastConsumer.Cli.Records;

/// <summary>Where dead letters lie: a file, or a stream. It is always named, and never taken from a variable.</summary>
internal static class DeadLetterSource
{
    private const double CallsPerSecond = 1;

    public static Option<string?> FileOption { get; } = new("--file")
    {
        Description = "A file that UseDeadLettersToFile has written.",
        HelpName = "file",
    };

    public static Option<string?> StreamOption { get; } = new("--from-stream")
    {
        Description = "A stream that UseDeadLettersToStream has written.",
        HelpName = "name",
    };

    /// <summary>A command on dead letters.</summary>
    public static Command CreateCommand(
        string name, string description, Func<ToolContext, CancellationToken, Task<int>> run, params ReadOnlySpan<Option> options)
    {
        Command command = ToolCommand.CreateStreamCommand(name, description, run, [FileOption, StreamOption, .. options]);
        command.Options.Remove(FleetOptions.Stream);
        return command;
    }

    /// <summary>The file, or the stream; one of them.</summary>
    /// <exception cref="ToolException">None is named, or both.</exception>
    public static (string? File, StreamIdentifier Stream) Of(ToolContext context)
    {
        string? file = context.Arguments.GetValue(FileOption);
        string? stream = context.Arguments.GetValue(StreamOption);
        return (file, stream) switch
        {
            ({ Length: > 0 }, null) => (file, default),
            (null, { Length: > 0 }) => (null, ParseStream("--from-stream", stream)),
            _ => throw ToolException.Usage("Where do the dead letters lie? Name a file with --file, or a stream with --from-stream."),
        };
    }

    /// <exception cref="ToolException">It is no stream.</exception>
    public static StreamIdentifier ParseStream(string option, string text)
    {
        try
        {
            return StreamIdentifier.Parse(text);
        }
        catch (ArgumentException e)
        {
            throw ToolException.Usage($"{option} '{text}' is no stream: {e.Message}");
        }
    }

    /// <summary>
    /// The letters of a stream that are there now: those that come meanwhile, such as of records that are put again and fail again, are not
    /// among them.
    /// </summary>
    public static StreamTail Read(ToolContext context, StreamIdentifier stream)
    {
        DateTimeOffset now = context.Time.GetUtcNow();
        return new StreamTail(context.Fleet.Kinesis, new StreamTailSettings
        {
            Stream = stream,
            Start = ReadStart.Parse("trim", now, null),
            Until = now,
            EndsAtTip = true,
            CallsPerSecond = CallsPerSecond,
            Time = context.Time,
            Note = context.Error.WriteLine,
        });
    }
}
