using FastConsumer.Kinesis;
using static FastConsumer.Testing.Positions.PositionStoreRun;

namespace FastConsumer.Testing.Positions;

/// <summary>The cases of <see cref="PositionStoreConformance"/> about rows, outside of transactions.</summary>
internal static class PositionRowCases
{
    /// <summary>Keys that a store must not take for <see cref="Key"/>.</summary>
    private static readonly (string What, PositionKey Key)[] s_others =
    [
        ("another application", Key with { Application = "orders2" }),
        ("another stream", Key with { StreamArn = Key.StreamArn + "2" }),
        ("a stream made again a millisecond later", Key with { StreamCreated = Key.StreamCreated.AddMilliseconds(1) }),
        ("another shard", Key with { ShardId = "shardId-000000000002" }),
        ("other case in the application", Key with { Application = "Orders" }),
        ("other case in the shard", Key with { ShardId = "SHARDID-000000000001" }),
        ("a space behind the application", Key with { Application = "orders " }),
        ("a letter with an accent", Key with { Application = "órders" }),
        ("the same letter in two characters", Key with { Application = "o\u0301rders" }),
        ("parts that make the same text together", Key with { Application = "order", StreamArn = "s" + Key.StreamArn }),
        ("an empty application", Key with { Application = "" }),
    ];

    private static readonly string[] s_strangeTexts =
        ["it's", "\"quoted\"", "back\\slash", "%_*?[a]", "$1 {0} @p :p", "日本語 🚀", "a\tb", "--;/*", "null"];

    public static IEnumerable<PositionStoreConformance.Case> All()
    {
        yield return new("A store may be prepared twice, also at the same time", static async run =>
        {
            await run.SetEpochAsync(3);
            await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
            {
                await using OpenedPositionStore another = run.Open();
                await another.Store.PrepareAsync(run.Cancellation);
            }));
            await run.RequireRowAsync(new StoredPosition(3, 0, null));
        });
        yield return new("The store has a name and a description", static run =>
        {
            string name = run.Store.Name;
            run.Require(
                name.Length is > 0 and <= 40 && name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-'),
                $"Name is '{name}', which is not 1 to 40 letters, digits and '-'");
            run.Require(!string.IsNullOrWhiteSpace(run.Store.Description), "Description is empty");
            return Task.CompletedTask;
        });
        yield return new("An empty store has no rows", static async run =>
        {
            await run.RequireRowAsync(null);
            await RequireListAsync(run, Key.Application, Key.StreamArn);
            await run.RequireEffectsAsync();
        });
        yield return new("Setting an epoch creates the row, with number 0 and without a position", static async run =>
        {
            var row = new StoredPosition(12, 0, null);
            run.RequireSame(await run.SetEpochAsync(12), row, "the answer");
            await run.RequireRowAsync(row);
        });
        yield return new("A higher epoch is set, and the rest of the row stays", static async run =>
        {
            StoredPosition former = await PutAsync(run, Key, At(77, 5), epoch: 2);
            StoredPosition row = former with { Epoch = long.MaxValue };
            run.RequireSame(await run.SetEpochAsync(long.MaxValue), row, "the answer");
            await run.RequireRowAsync(row);
        });
        yield return new("The same epoch again changes nothing, and answers the row", static async run =>
        {
            StoredPosition row = await PutAsync(run, Key, At(77), epoch: 2);
            run.RequireSame(await run.SetEpochAsync(2), row, "the answer");
            await run.RequireRowAsync(row);
        });
        yield return new("A lower epoch changes nothing, and answers the row", static async run =>
        {
            StoredPosition row = await PutAsync(run, Key, At(77), epoch: 5);
            run.RequireSame(await run.SetEpochAsync(4), row, "the answer");
            await run.RequireRowAsync(row);
        });
        foreach ((string what, CheckpointPosition? position) in new (string, CheckpointPosition?)[]
        {
            ("TRIM_HORIZON", CheckpointPosition.TrimHorizon),
            ("LATEST", CheckpointPosition.Latest),
            ("AT_TIMESTAMP", CheckpointPosition.AtTimestamp),
            ("SHARD_END", CheckpointPosition.ShardEnd),
            ("sequence number 0", At(0)),
            ("a record", CheckpointPosition.At(SequenceNumber.Parse("49590338271490256608559692538361571095921575989136588898"))),
            ("a record of an aggregate", At(49590338271490256, 12)),
            ("the longest sequence number", CheckpointPosition.At(
                SequenceNumber.Parse(new string('9', SequenceNumber.MaxDigits)), long.MaxValue)),
            ("no position", null),
        })
        {
            yield return new($"A row comes back as it was written: {what}", async run =>
            {
                StoredPosition before = await PutAsync(run, Key, At(1, 1));
                var row = new StoredPosition(9, before.Number + 1, position);
                run.Require(await run.Store.SetAsync(Key, before, row, run.Cancellation), "it was not written");
                await run.RequireRowAsync(row);
                await RequireListAsync(run, Key.Application, Key.StreamArn, (Key, row));
                run.RequireSame(await run.SetEpochAsync(8), row, "the answer to a lower epoch");
                if (position is { } moved)
                {
                    run.Require(await run.CommitAsync(row, moved), "it was not committed");
                    await run.RequireRowAsync(row with { Number = row.Number + 1 });
                }
            });
        }

        foreach ((string what, PositionKey other) in s_others)
        {
            yield return new($"Rows are apart: {what}", async run =>
            {
                StoredPosition first = await run.SetEpochAsync(3);
                await run.RequireRowAsync(null, other);
                StoredPosition second = await run.SetEpochAsync(2, other);
                run.RequireSame(second, new StoredPosition(2, 0, null), "the other row");
                run.Require(await run.CommitAsync(first, At(5)), "the first was not committed");
                run.Require(await run.CommitAsync(second, At(7), key: other), "the other was not committed");
                await run.RequireRowAsync(new StoredPosition(3, 1, At(5)));
                await run.RequireRowAsync(new StoredPosition(2, 1, At(7)), other);
            });
        }

        yield return new("A list has all shards and lives of one stream, and no others", static async run =>
        {
            List<(PositionKey, StoredPosition)> expected = [];
            for (int i = 0; i < 130; i++)
            {
                PositionKey key = Key with { ShardId = $"shardId-{i:D12}", StreamCreated = Key.StreamCreated.AddMilliseconds(i % 3) };
                expected.Add((key, await PutAsync(run, key, i % 2 == 0 ? null : At(i), epoch: i)));
            }

            foreach ((_, PositionKey other) in s_others.Where(
                static other => (other.Key.Application, other.Key.StreamArn) != (Key.Application, Key.StreamArn)))
            {
                await run.SetEpochAsync(1, other);
            }

            await RequireListAsync(run, Key.Application, Key.StreamArn, [.. expected]);
        });
        yield return new("Names of all characters are kept", static async run =>
        {
            foreach (string text in s_strangeTexts)
            {
                PositionKey key = Key with { Application = text, StreamArn = $"arn:{text}", ShardId = $"shard {text}" };
                await run.SetEpochAsync(4, key);
                run.Require(await run.CommitAsync(new StoredPosition(4, 0, null), At(6), key: key), $"'{text}' was not committed");
                await RequireListAsync(run, text, $"arn:{text}", (key, new StoredPosition(4, 1, At(6))));
            }
        });
        yield return new("A time of creation of another offset is the same time", static async run =>
        {
            StoredPosition row = await PutAsync(run, Key, At(8));
            PositionKey elsewhere = Key with { StreamCreated = Key.StreamCreated.ToOffset(TimeSpan.FromHours(5)) };
            await run.RequireRowAsync(row, elsewhere);
            run.RequireSame(await run.SetEpochAsync(1, elsewhere), row, "the answer to a lower epoch");
        });
        yield return new("A row is set as it was read only", static async run =>
        {
            var row = new StoredPosition(5, 1, At(20));
            run.Require(
                !await run.Store.SetAsync(Key, row, row with { Number = 2 }, run.Cancellation), "a row was set where there was none");
            await run.RequireRowAsync(null);
            run.Require(await run.Store.SetAsync(Key, null, row, run.Cancellation), "a row was not created");
            await run.RequireRowAsync(row);
            foreach ((string what, StoredPosition? former) in new (string, StoredPosition?)[]
            {
                ("no row", null),
                ("a lower epoch", row with { Epoch = 4 }),
                ("a higher epoch", row with { Epoch = 6 }),
                ("a lower number", row with { Number = 0 }),
                ("a higher number", row with { Number = 2 }),
            })
            {
                var next = new StoredPosition(7, (former?.Number ?? 0) + 1, At(10));
                run.Require(!await run.Store.SetAsync(Key, former, next, run.Cancellation), $"the row was set on condition of {what}");
                await run.RequireRowAsync(row);
            }

            var set = new StoredPosition(7, 2, At(10));
            run.Require(await run.Store.SetAsync(Key, row, set, run.Cancellation), "the row was not set");
            await run.RequireRowAsync(set);
        });
        yield return new("An operator may set a lower epoch, which a table of leases made again needs", static async run =>
        {
            StoredPosition former = await PutAsync(run, Key, At(20), epoch: 900);
            StoredPosition row = former with { Epoch = 0, Number = former.Number + 1 };
            run.Require(await run.Store.SetAsync(Key, former, row, run.Cancellation), "the row was not set");
            await run.RequireRowAsync(row);
            run.RequireSame(await run.SetEpochAsync(1), row with { Epoch = 1 }, "the row of the next owner");
        });
        yield return new("A cancelled call says so", static async run =>
        {
            using var source = new CancellationTokenSource();
            await source.CancelAsync();
            CancellationToken cancelled = source.Token;
            var row = new StoredPosition(1, 1, null);
            await run.RequireCancelledAsync(() => run.Store.PrepareAsync(cancelled), "PrepareAsync");
            await run.RequireCancelledAsync(() => run.Store.ReadAsync(Key, cancelled), "ReadAsync");
            await run.RequireCancelledAsync(() => run.Store.ListAsync("a", "b", cancelled), "ListAsync");
            await run.RequireCancelledAsync(() => run.Store.SetEpochAsync(Key, 1, cancelled), "SetEpochAsync");
            await run.RequireCancelledAsync(() => run.Store.SetAsync(Key, null, row, cancelled), "SetAsync");
            await run.RequireCancelledAsync(() => run.Opened.BeginAsync(cancelled), "BeginAsync");
            await run.RequireRowAsync(null);
        });
    }

    private static async Task<StoredPosition> PutAsync(
        PositionStoreRun run, PositionKey key, CheckpointPosition? position, long epoch = 3)
    {
        var row = new StoredPosition(epoch, 1, position);
        run.Require(await run.Store.SetAsync(key, null, row, run.Cancellation), "a row was not created");
        return row;
    }

    private static async Task RequireListAsync(
        PositionStoreRun run, string application, string streamArn, params (PositionKey Key, StoredPosition Row)[] rows)
    {
        IReadOnlyDictionary<PositionKey, StoredPosition> listed =
            await run.Store.ListAsync(application, streamArn, run.Cancellation);
        run.Require(listed.Count == rows.Length, $"{listed.Count} rows are listed, where {rows.Length} are expected");
        foreach ((PositionKey key, StoredPosition row) in rows)
        {
            run.RequireSame(listed.GetValueOrDefault(key), row, $"the listed row of '{key.ShardId}'");
        }
    }
}
