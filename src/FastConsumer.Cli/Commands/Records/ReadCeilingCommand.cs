using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FastConsumer.Cli.Commands.Changes;
using FastConsumer.Cli.Connections;
using FastConsumer.Cli.Output;
using FastConsumer.Cli.Records;
using FastConsumer.Kinesis;
using FastConsumer.Monitoring;
using Spectre.Console;

namespace FastConsumer.Cli.Commands.Records;

/// <summary><c>read-ceiling</c>: how fast a stream can be read, beside how fast the fleet reads it.</summary>
internal static class ReadCeilingCommand
{
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(10);

    private static readonly Option<string> s_for = new("--for")
    {
        Description = "How long it reads: 1s to 10m. It ends before where all shards' newest records are read.",
        HelpName = "duration",
        DefaultValueFactory = static _ => "60s",
    };

    private static readonly Option<string> s_from = new("--from")
    {
        Description = "trim, a time with its offset, or a duration back such as -2h: what lies there is to last for the time.",
        HelpName = "place",
        DefaultValueFactory = static _ => "trim",
    };

    public static Command Create() => ToolCommand.CreateStreamCommand(
        "read-ceiling",
        "Reads the stream by the readers that workers have, without a handler: what one worker beside the others could read.",
        RunAsync,
        s_for,
        s_from,
        FleetOptions.Application,
        FleetOptions.Table,
        FleetOptions.TableEndpointUrl,
        CommonOptions.DryRun,
        CommonOptions.Yes);

    private static async Task<int> RunAsync(ToolContext context, CancellationToken cancellationToken)
    {
        ParseResult arguments = context.Arguments;
        string text = arguments.GetValue(s_for)!;
        TimeSpan duration = Times.ParseDuration(text) is { } known && known >= TimeSpan.FromSeconds(1) && known <= s_longest
            ? known
            : throw ToolException.Usage($"--for '{text}' is no duration from 1s to 10m.");
        ReadStart start = ReadStart.Parse(arguments.GetValue(s_from)!, context.Time.GetUtcNow(), null);
        if (start.Last is not null || start.Position.Type == ShardIteratorType.Latest)
        {
            throw ToolException.Usage("What comes from now on shows how fast records are put: give --from trim, or a time.");
        }

        bool hasFleet = FleetOptions.Read(arguments, FleetOptions.Application, "FASTCONSUMER_APPLICATION") is not null
            || FleetOptions.Read(arguments, FleetOptions.Table, "FASTCONSUMER_TABLE") is not null;
        StreamIdentifier stream = await context.Fleet.StreamAsync(null, cancellationToken);
        StreamDescriptionSummary summary = await context.Fleet.Kinesis.DescribeStreamSummaryAsync(stream, cancellationToken);
        FleetView? fleet = hasFleet ? await context.Fleet.ViewAsync(withStream: false, cancellationToken) : null;
        var plan = new StreamChangeItem(
            "read-ceiling",
            stream.Name,
            $"{summary.OpenShardCount} open shards from {arguments.GetValue(s_from)} for {text}, as fast as they can be read",
            IsDone: false);
        if (await Confirmation.AskAsync(
            context,
            $"Read {stream.Name} for {text}? It takes a worker's part of the shards' quota: applications that poll are slower meanwhile.",
            console => console.WriteLine(
                $"{plan.Target}: {plan.Detail}. No checkpoint is written, and nobody gets the records. Applications that poll share the "
                    + "quota of the shards, 5 calls and 2 MiB a second each, and are slower meanwhile."),
            () => JsonSerializer.Serialize(
                new StreamChangesDocument(1, "plan", stream.Name, [plan]), RecordDocumentJson.Plain.StreamChangesDocument),
            cancellationToken) is { } exitCode)
        {
            return exitCode;
        }

        var reader = new CeilingReader(context.Fleet.Kinesis, stream, start, context.Time);
        IReadOnlyList<ShardFigures> figures = await reader.RunAsync(duration, cancellationToken);
        ReadCeilingDocument document = DocumentOf(context, stream, figures, fleet);
        return context.Show(new ToolView(
            (console, _) => Write(console, document),
            () => JsonSerializer.Serialize(document, RecordDocumentJson.Plain.ReadCeilingDocument)));
    }

    private static ReadCeilingDocument DocumentOf(
        ToolContext context, StreamIdentifier stream, IReadOnlyList<ShardFigures> figures, FleetView? fleet)
    {
        List<FleetShard> reporting = [.. (fleet?.Shards ?? []).Where(static shard => shard.Report is not null)];
        List<ReadCeilingItem> items =
        [
            .. figures.OrderBy(static shard => shard.ShardId, StringComparer.Ordinal).Select(static shard => new ReadCeilingItem(
                shard.ShardId, shard.Took.TotalSeconds, shard.Records, shard.Bytes, shard.Throttled, shard.HasReachedTip)),
        ];
        return new ReadCeilingDocument(
            1,
            "read-ceiling",
            stream.Name,
            context.Time.GetUtcNow(),
            items.Select(static item => item.Seconds).DefaultIfEmpty(0).Max(),
            items.Sum(static item => item.Records),
            items.Sum(static item => item.Bytes),
            // a shard that was through before the others is reckoned by its own time
            items.Sum(static item => item.Records / Math.Max(item.Seconds, 0.001)),
            items.Sum(static item => item.Bytes / Math.Max(item.Seconds, 0.001)),
            items.Sum(static item => item.Throttled),
            items.Exists(static item => item.HasReachedTip),
            fleet is null ? null : context.Fleet.Application,
            fleet is null ? null : reporting.Count,
            reporting.Count == 0 ? null : reporting.Sum(static shard => shard.Report!.RecordsPerSecond),
            reporting.Count == 0 ? null : reporting.Sum(static shard => shard.Report!.BytesPerSecond),
            items);
    }

    private static void Write(IAnsiConsole console, ReadCeilingDocument document)
    {
        var shards = new TextTable("SHARD", "READ FOR", "RECORDS", "BYTES", "REFUSED", "NEWEST READ");
        foreach (ReadCeilingItem item in document.Items)
        {
            shards.Add(
                item.ShardId,
                Words.Of(TimeSpan.FromSeconds(item.Seconds)),
                Words.Of(item.Records),
                Words.Bytes(item.Bytes),
                Words.Of(item.Throttled),
                item.HasReachedTip ? "yes" : "no");
        }

        shards.WriteTo(console, "There was no shard to read.");
        var rates = new TextTable("", "RECORDS/S", "BYTES/S", "OF");
        rates.Add("could be read", Rate(document.RecordsPerSecond), Words.Bytes(document.BytesPerSecond), $"{document.Items.Count} shards");
        if (document.Application is { } application)
        {
            rates.Add(
                $"{application} reads",
                Rate(document.FleetRecordsPerSecond),
                Words.Bytes(document.FleetBytesPerSecond),
                $"{document.FleetShards} shards, by their reports");
        }

        rates.WriteTo(console, "");
        if (document.HasReachedTip)
        {
            console.WriteLine("Shards whose newest record was read have been read to their end: they may bear more than is shown.");
        }
    }

    private static string Rate(double? rate) => rate?.ToString("N0", CultureInfo.InvariantCulture) ?? Words.Unknown;
}
