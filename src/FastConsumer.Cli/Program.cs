using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using FastConsumer.Cli.Commands;

// not a RootCommand: that one calls itself by the assembly's name
var root = new Command("fastconsumer", "Tools for consumers of Amazon Kinesis.")
{
    new HelpOption(),
    new VersionOption { Action = new PrintVersionAction() },
    EmulatorCommand.Create(),
    VersionCommand.Create(),
};

ParseResult arguments = root.Parse(args);
if (arguments.Action is ParseErrorAction failure)
{
    // the whole help would hide what is wrong, unless nothing was said at all
    failure.ShowHelp = args.Length == 0;
}

// Without a time-out System.CommandLine leaves Ctrl+C and SIGTERM alone; this one is longer than a command's graceful end.
return await arguments.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(10) });
