using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FastConsumer.Checkpoints;
using FastConsumer.Cli.Connections;
using FastConsumer.Cli.Output;
using FastConsumer.State.Format;
using Spectre.Console;

namespace FastConsumer.Cli.Commands.State;

/// <summary><c>state show</c>: what the states of a processor hold for one partition key.</summary>
internal static class StateShowCommand
{
    /// <summary>So many entries of a map, or values of a list, are shown without --all.</summary>
    public const int MostShown = 100;

    /// <summary>A value is cut off behind so many characters in a table; -o wide and -o json show all of it.</summary>
    private const int MostCharacters = 120;

    private static readonly Argument<string> s_key = new("key") { Description = "The partition key." };

    private static readonly Option<string?> s_state = new("--state")
    {
        Description = "One state, by its name in [State]. Default: all.",
        HelpName = "name",
    };

    private static readonly Option<bool> s_all = new("--all")
    {
        Description = $"All entries of maps and lists. Default: the first {MostShown} of each.",
    };

    private static readonly Option<bool> s_everywhere = new("--everywhere")
    {
        Description = "Reads all of all shards: a key whose producer sets explicit hash keys may be in several of them.",
    };

    public static Command Create()
    {
        Command command = ToolCommand.CreateView(
            "show",
            "Shows what each state holds for a partition key, as it was checkpointed last. It reads the shard of the key's own hash key. "
                + "Where a producer sets explicit hash keys, say --everywhere: the key may be in other shards.",
            FindAsync,
            [.. StatePlace.Options, s_state, s_all, s_everywhere]);
        command.Arguments.Add(s_key);
        return command;
    }

    private static async Task<ToolView> FindAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string key = context.Arguments.GetValue(s_key) is { Length: > 0 } said
            ? said
            : throw ToolException.Usage("Which key is meant? A partition key has 1 character or more.");
        string? state = FleetOptions.Read(context.Arguments, s_state);
        ICheckpointStore store = StatePlace.Open(context);
        try
        {
            var lookup = new KeyLookup(context, store, key, state, context.Arguments.GetValue(s_everywhere));
            await context.Fleet.Store.PrepareAsync(cancellationToken);
            IReadOnlyList<LookedUpShard> shards = await lookup.FindAsync(cancellationToken);
            int most = context.Arguments.GetValue(s_all) ? int.MaxValue : MostShown;
            List<StateShardItem> looked = [.. shards.Select(ShardOf)];
            List<StateItem> items = [.. shards.SelectMany(shard => ItemsOf(shard, most))];
            int leftOut = shards.Sum(CountOf) - items.Count;
            var document = new StateDocument(
                context.Fleet.Application,
                key,
                lookup.HashKey.ToString(CultureInfo.InvariantCulture),
                store.Description,
                context.Time.GetUtcNow(),
                looked,
                leftOut,
                items);
            return new ToolView(
                (console, isWide) => Write(console, document, isWide),
                () => JsonSerializer.Serialize(document, DocumentJson.Plain.StateDocument));
        }
        finally
        {
            (store as IDisposable)?.Dispose();
        }
    }

    private static StateShardItem ShardOf(LookedUpShard shard)
    {
        SnapshotManifest? first = shard.Snapshots.Count > 0 ? shard.Snapshots[0].Manifest : null;
        long streamTime = shard.Snapshots.Select(static snapshot => snapshot.Manifest.StreamTime).DefaultIfEmpty().Max();
        return new StateShardItem(
            shard.Row.LeaseKey,
            shard.Row.Checkpoint.ToString(),
            streamTime > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(streamTime) : null,
            shard.Row.StateVersion,
            [.. shard.Snapshots.Select(static snapshot => snapshot.Object)],
            shard.Snapshots.Any(static snapshot => snapshot.IsInherited)
                ? [.. shard.Snapshots.Select(static snapshot => snapshot.Manifest.Shard)]
                : null,
            first?.Processor);
    }

    /// <summary>A list's values count one by one.</summary>
    private static int CountOf(LookedUpShard shard) => shard.Entries.Sum(static found => found.Entry.Values.Count);

    private static IEnumerable<StateItem> ItemsOf(LookedUpShard shard, int most)
    {
        foreach (IGrouping<string, (SnapshotManifest Manifest, StoredState Entry)> ofState in shard.Entries
            .GroupBy(static found => found.Entry.State, StringComparer.Ordinal).OrderBy(static group => group.Key, StringComparer.Ordinal))
        {
            IEnumerable<StateItem> items = ofState
                .OrderBy(static found => found.Entry.SubKeyBytes, BytesOrder.Instance)
                .SelectMany(static found => found.Entry.Values.Select((value, index) => ItemOf(found.Manifest, found.Entry, value, index)));
            foreach (StateItem item in items.Take(most))
            {
                yield return item;
            }
        }
    }

    private static StateItem ItemOf(SnapshotManifest manifest, StoredState entry, ReadOnlyMemory<byte> value, int index)
    {
        JsonElement? json = StateValues.ReadJson(entry.Codec, value);
        bool isMap = entry.Kind == StateKind.Map;
        return new StateItem(
            entry.ShardId,
            entry.State,
            entry.Kind.ToString().ToLowerInvariant(),
            isMap ? StateValues.SubKey(entry.SubKeyBytes.Span) : null,
            isMap ? Convert.ToBase64String(entry.SubKeyBytes.Span) : null,
            entry.Kind == StateKind.List ? index : null,
            json,
            json is null ? Convert.ToBase64String(value.Span) : null,
            entry.Codec,
            entry.ExpiresAt,
            entry.IsCopy ? true : null,
            entry.Version,
            manifest.Position + (manifest.SubSequenceNumber == 0
                ? ""
                : string.Create(CultureInfo.InvariantCulture, $":{manifest.SubSequenceNumber}")));
    }

    private static void Write(IAnsiConsole console, StateDocument document, bool isWide)
    {
        foreach (StateShardItem shard in document.Shards)
        {
            List<StateItem> items = [.. document.Items.Where(item => item.ShardId == shard.ShardId)];
            string inherited = shard.InheritedFrom is { } parents ? $", from {string.Join(" and ", parents)}" : "";
            Line(
                console,
                $"{shard.ShardId} at {shard.Position}, stream time {Words.Of(shard.StreamTime)}, state version {shard.StateVersion}"
                    + $"{inherited}");
            if (items.Count == 0)
            {
                Line(console, $"It holds nothing for '{document.Key}'.");
                continue;
            }

            TextTable table = isWide
                ? new TextTable("STATE", "SUB-KEY", "VALUE", "EXPIRES", "COPY", "VERSION", "CODEC", "SHARD", "POSITION")
                : new TextTable("STATE", "SUB-KEY", "VALUE", "EXPIRES", "COPY", "VERSION");
            foreach (StateItem item in items)
            {
                List<string?> cells =
                [
                    item.State,
                    item.Index is { } index ? string.Create(CultureInfo.InvariantCulture, $"[{index}]") : item.SubKey,
                    ValueOf(item, isWide),
                    Words.Of(item.ExpiresAt),
                    item.IsCopy == true ? "yes" : "no",
                    Words.Of(item.StateVersion),
                ];
                if (isWide)
                {
                    cells.AddRange([item.Codec, item.ShardId, item.Position]);
                }

                table.Add([.. cells]);
            }

            table.WriteTo(console, "");
        }

        if (document.LeftOut > 0)
        {
            Line(console, string.Create(
                CultureInfo.InvariantCulture, $"{document.LeftOut} more entries are not shown: --all shows them, --state one state's."));
        }
    }

    private static string ValueOf(StateItem item, bool isWide)
    {
        string value = item.Value is { } json ? json.GetRawText() : $"{item.ValueBytes} ({item.Codec}, base64)";
        return isWide || value.Length <= MostCharacters ? value : $"{value[..MostCharacters]}...";
    }

    // what comes from outside is no markup, and a control character could rewrite the terminal
    private static void Line(IAnsiConsole console, string text) =>
        console.WriteLine(string.Concat(text.Select(static letter => char.IsControl(letter) ? '?' : letter)));

    private sealed class BytesOrder : IComparer<ReadOnlyMemory<byte>>
    {
        public static BytesOrder Instance { get; } = new();

        public int Compare(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceCompareTo(y.Span);
    }
}
