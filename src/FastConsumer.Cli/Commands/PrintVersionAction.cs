using System.CommandLine;
using System.CommandLine.Invocation;

namespace FastConsumer.Cli.Commands;

/// <summary><c>fastconsumer --version</c>: the version alone, for scripts.</summary>
internal sealed class PrintVersionAction : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine(ToolVersion.Text);
        return ExitCodes.Success;
    }
}
