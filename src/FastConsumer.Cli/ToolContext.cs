using System.CommandLine;
using FastConsumer.Cli.Connections;
using FastConsumer.Cli.Output;
using Spectre.Console;

namespace FastConsumer.Cli;

/// <summary>What a command needs of its surroundings. Data goes to standard output, talk to standard error.</summary>
internal sealed class ToolContext : IAsyncDisposable
{
    public ToolContext(ParseResult arguments, TimeProvider time, bool isToWrite)
    {
        Arguments = arguments;
        Time = time;
        Out = arguments.InvocationConfiguration.Output;
        Error = arguments.InvocationConfiguration.Error;
        Format = CommonOptions.FormatOf(arguments);
        Console = CreateConsole(Out, IsOutputRedirected);
        Fleet = new Fleet(arguments, time, new ErrorLog(Error), isToWrite);
    }

    public ParseResult Arguments { get; }

    public TimeProvider Time { get; }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    public OutputFormat Format { get; }

    /// <summary>Standard output, for tables.</summary>
    public IAnsiConsole Console { get; }

    public Fleet Fleet { get; }

    /// <summary>True where nobody can be asked.</summary>
    public static bool IsUnattended => System.Console.IsInputRedirected;

    private static bool IsOutputRedirected => System.Console.IsOutputRedirected;

    /// <summary>Writes what was found in the form that was asked for.</summary>
    public int Show(ToolView view)
    {
        if (Format == OutputFormat.Json)
        {
            Out.WriteLine(view.Json());
        }
        else
        {
            view.WriteText(Console, Format == OutputFormat.Wide);
        }

        return view.ExitCode;
    }

    public ValueTask DisposeAsync() => Fleet.DisposeAsync();

    public static IAnsiConsole CreateConsole(TextWriter output, bool isPlain)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = isPlain ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = isPlain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Interactive = InteractionSupport.No,
        });
        if (isPlain)
        {
            // a file or another program gets whole lines
            console.Profile.Width = 4_000;
        }

        return console;
    }
}
