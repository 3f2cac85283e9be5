using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using FastConsumer.Cli;
using FastConsumer.Cli.Commands;
using FastConsumer.Cli.Commands.Changes;
using FastConsumer.Cli.Commands.Completion;
using FastConsumer.Cli.Commands.Doctor;
using FastConsumer.Cli.Commands.Fleet;
using FastConsumer.Cli.Commands.Positions;
using FastConsumer.Cli.Commands.Records;
using FastConsumer.Cli.Commands.Savepoints;
using FastConsumer.Cli.Commands.State;
using FastConsumer.Cli.Commands.Streams;

Termination.Listen();

var help = new HelpOption();
Examples.AddTo(help);

// not a RootCommand: that one calls itself by the assembly's name
var root = new Command("fastconsumer", "Shows how consumers of Amazon Kinesis stand, steers them, and runs a local Kinesis.")
{
    help,
    new VersionOption { Action = new PrintVersionAction() },
    ShardsCommands.CreateShards(),
    ShardsCommands.CreateLeases(),
    WorkersCommands.CreateWorkers(),
    LagCommand.Create(),
    WorkersCommands.CreateTop(),
    FindingsCommand.Create(),
    StoppedCommand.Create(),
    DoctorCommand.Create(),
    DecideCommand.Create(),
    PauseCommands.CreatePause(),
    PauseCommands.CreateResume(),
    new Command("checkpoint", "Shows and sets how far shards are done.")
    {
        ShardsCommands.CreateCheckpoints(), RollbackCommands.CreateHistory(), ResetCommand.Create(), RollbackCommands.CreateRollback(),
    },
    new Command("position", "Shows and sets the positions that a sink keeps.")
    {
        PositionShowCommand.Create(), PositionChangeCommands.CreateReset(), PositionChangeCommands.CreateAdopt(),
    },
    new Command("state", "Shows the state that processors keep.") { StateShowCommand.Create() },
    SavepointCommands.Create(),
    LeaseCommands.Create(),
    TailCommand.CreateTail(),
    TailCommand.CreatePeek(),
    PutCommand.Create(),
    ReadCeilingCommand.Create(),
    new Command("dead-letters", "Lists dead letters, and puts them into a stream again.")
    {
        DeadLettersListCommand.Create(), DeadLettersReplayCommand.Create(),
    },
    new Command("stream", "Creates, deletes and reshards streams.")
    {
        CreateStreamCommand.Create(), DeleteStreamCommand.Create(), ReshardCommands.CreateSplit(), ReshardCommands.CreateMerge(),
    },
    CompletionCommand.Create(),
    EmulatorCommand.Create(),
    VersionCommand.Create(),
};

if (Suggestions.Find(root, args) is { } words)
{
    await Console.Out.WriteLineAsync(string.Join('\n', words));
    return ExitCodes.Success;
}

ParseResult arguments = root.Parse(args);
if (UnknownCommand.Describe(root, arguments) is { } complaint)
{
    await Console.Error.WriteLineAsync(complaint);
    return ExitCodes.Usage;
}

// signals are the tool's own matter: see Termination
var invocation = new InvocationConfiguration { ProcessTerminationTimeout = null };
if (arguments.Action is ParseErrorAction failure)
{
    // the whole help would hide what is wrong, unless nothing was said at all
    failure.ShowHelp = args.Length == 0;
    await arguments.InvokeAsync(invocation, Termination.Token);
    return ExitCodes.Usage;
}

return await Termination.WaitAsync(arguments.InvokeAsync(invocation, Termination.Token));
