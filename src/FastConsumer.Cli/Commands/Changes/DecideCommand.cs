using System.CommandLine;
using FastConsumer.Cli.Output;
using FastConsumer.Leases;
using FastConsumer.Operators;

namespace FastConsumer.Cli.Commands.Changes;

/// <summary><c>decide</c>: what becomes of a record that a shard waits for.</summary>
internal static class DecideCommand
{
    private static readonly Option<string?> s_position = new("--position")
    {
        Description = "The record's position as 'stopped' shows it: the decision is refused where the shard waits for another one.",
        HelpName = "position",
    };

    private static readonly Argument<string> s_decision = CreateDecision();

    public static Command Create()
    {
        Command command = ToolCommand.CreateChange(
            "decide",
            "Decides about the record that a shard has stopped in front of, or tries again and again: 'stopped' lists them.",
            RunAsync,
            CommonOptions.Shard,
            s_position);
        command.Arguments.Add(s_decision);
        return command;
    }

    private static Argument<string> CreateDecision()
    {
        var argument = new Argument<string>("decision")
        {
            Description = "retry: the handler gets it again. skip: it is left out. dead-letter: it goes to the dead-letter sink.",
        };
        argument.AcceptOnlyFromAmong("retry", "skip", "dead-letter");
        return argument;
    }

    private static async Task<int> RunAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string shardId = context.Arguments.GetValue(CommonOptions.Shard) is { Length: > 0 } named
            ? named
            : throw ToolException.Usage("Which shard is meant? Name it with --shard. 'stopped' lists those that wait for a record.");
        string by = CommonOptions.ByOf(context.Arguments);
        string? reason = context.Arguments.GetValue(CommonOptions.Reason);
        OperatorTable.Check(by, reason);
        string text = context.Arguments.GetValue(s_decision)!;
        RecordDecision decision = text switch
        {
            "retry" => RecordDecision.Retry,
            "skip" => RecordDecision.Skip,
            _ => RecordDecision.DeadLetter,
        };
        OperatorTable table = context.Fleet.Operator;
        await context.Fleet.Store.PrepareAsync(cancellationToken);
        FailingRecord record = (await table.ListFailingAsync(cancellationToken)).FirstOrDefault(failing => failing.ShardId == shardId)
            ?? throw ToolException.Refused($"Nothing was changed: shard {shardId} waits for no record. 'stopped' lists the shards that "
                + "do.");
        if (context.Arguments.GetValue(s_position) is { } position && position != record.Position)
        {
            throw ToolException.Refused(
                $"Nothing was changed: shard {shardId} waits for record {record.Position}, and not for {position}. Look at 'stopped' "
                    + "again.");
        }

        var item = new ChangeItem(
            shardId, text, record.Owner, record.Position, record.Error, IsDone: false, WasTakenAway: null, Refusal: null);
        if (await Confirmation.AskAsync(context, $"{text} record {record.Position}?", [item], cancellationToken) is { } exitCode)
        {
            return exitCode;
        }

        DecidedRecord decided = await table.DecideAsync(record, decision, by, reason, cancellationToken);
        return Confirmation.Show(context, [item with { IsDone = decided.Refusal is null, Refusal = decided.Refusal }]);
    }
}
