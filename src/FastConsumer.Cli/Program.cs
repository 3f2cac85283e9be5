using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using FastConsumer.Cli;
using FastConsumer.Cli.Commands;

var termination = new Termination();

// not a RootCommand: that one calls itself by the assembly's name
var root = new Command("fastconsumer", "Tools for consumers of Amazon Kinesis.")
{
    new HelpOption(),
    new VersionOption { Action = new PrintVersionAction() },
    EmulatorCommand.Create(),
    VersionCommand.Create(),
};

ParseResult arguments = root.Parse(args);
if (UnknownCommand.Describe(root, arguments) is { } complaint)
{
    await Console.Error.WriteLineAsync(complaint);
    return ExitCodes.Failure;
}

if (arguments.Action is ParseErrorAction failure)
{
    // the whole help would hide what is wrong, unless nothing was said at all
    failure.ShowHelp = args.Length == 0;
}

// signals are the tool's own matter: see Termination
var invocation = new InvocationConfiguration { ProcessTerminationTimeout = null };
return await termination.WaitAsync(arguments.InvokeAsync(invocation, termination.Token));
