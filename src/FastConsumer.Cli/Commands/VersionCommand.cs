using System.CommandLine;
using System.Runtime.InteropServices;

namespace FastConsumer.Cli.Commands;

/// <summary><c>fastconsumer version</c>: what a report of a problem should say.</summary>
internal static class VersionCommand
{
    public static Command Create()
    {
        var command = new Command("version", "Prints the versions of the tool and of the runtime.");
        command.SetAction(static arguments =>
        {
            TextWriter output = arguments.InvocationConfiguration.Output;
            output.WriteLine($"fastconsumer {ToolVersion.Text}");
            output.WriteLine($"{RuntimeInformation.FrameworkDescription} ({RuntimeInformation.RuntimeIdentifier})");
            output.WriteLine(RuntimeInformation.OSDescription);
            return ExitCodes.Success;
        });
        return command;
    }
}
