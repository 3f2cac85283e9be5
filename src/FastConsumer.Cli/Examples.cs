using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace FastConsumer.Cli;

/// <summary>The examples in the help of commands.</summary>
internal static class Examples
{
    private static readonly Dictionary<string, string[]> s_examples = new(StringComparer.Ordinal)
    {
        ["fastconsumer"] =
        [
            "fastconsumer emulator --stream orders:4",
            "fastconsumer lag --application billing",
            "export FASTCONSUMER_APPLICATION=billing; fastconsumer top",
        ],
        ["shards"] = ["fastconsumer shards -a billing", "fastconsumer shards -a billing -s orders -o json"],
        ["leases"] = ["fastconsumer leases -a billing -o wide", "fastconsumer leases -a billing --watch"],
        ["workers"] = ["fastconsumer workers -a billing"],
        ["lag"] = ["fastconsumer lag -a billing", "fastconsumer lag -a billing --probe -o json"],
        ["top"] = ["fastconsumer top -a billing"],
        ["findings"] = ["fastconsumer findings -a billing", "fastconsumer findings -a billing --json || notify-on-call"],
        ["stopped"] = ["fastconsumer stopped -a billing"],
        ["decide"] =
        [
            "fastconsumer decide retry -a billing --shard shardId-000000000003 --reason 'release 1.2 reads it'",
            "fastconsumer decide dead-letter -a billing --shard shardId-000000000003 --yes",
        ],
        ["pause"] = ["fastconsumer pause -a billing --all --until 30m --reason 'the database moves'"],
        ["resume"] = ["fastconsumer resume -a billing --all"],
        ["show"] = ["fastconsumer checkpoint show -a billing"],
        ["reset"] =
        [
            "fastconsumer checkpoint reset -a billing --all --to -2h --dry-run",
            "fastconsumer checkpoint reset -a billing --all --to 2026-01-31T12:00:00Z --export before.json",
            "fastconsumer checkpoint reset -a billing --shard shardId-000000000003 --to TRIM_HORIZON --yes",
        ],
        ["history"] = ["fastconsumer checkpoint history -a billing --s3 billing-state --shard shardId-000000000003"],
        ["rollback"] =
        [
            "fastconsumer checkpoint rollback -a billing --s3 billing-state --all --dry-run",
            "fastconsumer checkpoint rollback -a billing --s3 billing-state --shard shardId-000000000003 --to 7/41",
        ],
        ["position show"] = ["fastconsumer position show -a billing --postgres 'Host=db;Username=ops;Database=billing' -o wide"],
        ["position reset"] = ["fastconsumer position reset -a billing --shard shardId-000000000003 --to -2h --dry-run"],
        ["position adopt"] = ["fastconsumer position adopt -a billing --all --from sink --reason 'the lease table was made anew'"],
        ["state show"] =
        [
            "fastconsumer state show customer-17 -a billing --s3 billing-state --prefix prod",
            "fastconsumer state show customer-17 -a billing --local /var/lib/billing --state totals -o json",
        ],
        ["savepoint create"] = ["fastconsumer savepoint create before-2.0 -a billing --s3 billing-state"],
        ["savepoint list"] = ["fastconsumer savepoint list -a billing --s3 billing-state"],
        ["savepoint describe"] = ["fastconsumer savepoint describe before-2.0 -a billing --s3 billing-state"],
        ["savepoint export"] = ["fastconsumer savepoint export before-2.0 -a billing --s3 billing-state --file state.jsonl"],
        ["savepoint restore"] =
        [
            "fastconsumer savepoint restore before-2.0 -a billing --s3 billing-state --replace",
            "fastconsumer savepoint restore before-2.0 -a billing --s3 billing-state --as billing-test",
            "fastconsumer savepoint restore before-2.0 -a billing --s3 billing-state --as billing-2 -s orders-2 --state-only --from "
                + "TRIM_HORIZON",
        ],
        ["savepoint delete"] = ["fastconsumer savepoint delete before-2.0 -a billing --s3 billing-state"],
        ["release"] = ["fastconsumer lease release -a billing --shard shardId-000000000003"],
        ["evict"] = ["fastconsumer lease evict -a billing --shard shardId-000000000003 --reason 'its handler hangs'"],
        ["doctor"] = ["fastconsumer doctor -a billing -s orders", "fastconsumer doctor -a billing -s orders --json"],
        ["tail"] = ["fastconsumer tail -s orders", "fastconsumer tail -s orders --from -1h -e --save orders.jsonl"],
        ["peek"] =
        [
            "fastconsumer peek -s orders", @"fastconsumer peek -s orders --from -15m --grep '""status"":""failed""' -f '%k %v\n'",
            "fastconsumer peek -s orders --shard shardId-000000000003 --from 4966... --max 1 -o json",
        ],
        ["put"] = ["fastconsumer put -s orders --key-json customerId < orders.jsonl", "echo hello | fastconsumer put -s orders"],
        ["read-ceiling"] = ["fastconsumer read-ceiling -s orders -a billing --for 60s"],
        ["list"] = ["fastconsumer dead-letters list --file dead.jsonl", "fastconsumer dead-letters list --from-stream orders-dead -o json"],
        ["replay"] =
        [
            "fastconsumer dead-letters replay --file dead.jsonl --to orders --dry-run",
            "fastconsumer dead-letters replay --from-stream orders-dead --to orders",
        ],
        ["create"] = ["fastconsumer stream create orders --shards 4", "fastconsumer stream create orders --on-demand --yes"],
        ["delete"] = ["fastconsumer stream delete orders --dry-run"],
        ["split"] = ["fastconsumer stream split -s orders --shard shardId-000000000003"],
        ["merge"] = ["fastconsumer stream merge -s orders --shard shardId-000000000003 --with shardId-000000000004"],
        ["completion"] = ["fastconsumer completion bash > ~/.local/share/bash-completion/completions/fastconsumer"],
        ["emulator"] = ["fastconsumer emulator --stream orders:4 --stream payments", "fastconsumer emulator --port 0 --json"],
    };

    /// <summary>Gives a command and all below it a help that ends with their examples.</summary>
    public static void AddTo(HelpOption help) => help.Action = new HelpWithExamples((HelpAction)help.Action!);

    private sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            int exitCode = help.Invoke(parseResult);
            Command command = parseResult.CommandResult.Command;
            string inGroup = $"{command.Parents.FirstOrDefault()?.Name} {command.Name}";
            if ((s_examples.GetValueOrDefault(inGroup) ?? s_examples.GetValueOrDefault(command.Name)) is { } examples)
            {
                TextWriter output = parseResult.InvocationConfiguration.Output;
                output.WriteLine("Examples:");
                foreach (string example in examples)
                {
                    output.WriteLine($"  {example}");
                }
            }

            return exitCode;
        }
    }
}
