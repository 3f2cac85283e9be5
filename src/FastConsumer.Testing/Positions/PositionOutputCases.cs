using static FastConsumer.Testing.Positions.PositionStoreRun;

namespace FastConsumer.Testing.Positions;

/// <summary>The cases of <see cref="PositionStoreConformance"/> about whole rows, with runs and lineage, as outputs have them.</summary>
internal static class PositionOutputCases
{
    private const string Lineage = "2026-01-31T10:00:00Z.7f";

    /// <summary>A row in the middle of its life.</summary>
    private static readonly StoredPosition s_row = new(3, 1, At(10)) { Runs = "12.3-15,18", Lineage = Lineage };

    public static IEnumerable<PositionStoreConformance.Case> All()
    {
        yield return new(
            "For outputs: a commit with a row writes position, runs and lineage, and its effects are there",
            static async run =>
            {
                StoredPosition row = await run.SetEpochAsync(3);
                foreach ((string effect, CheckpointPosition? position, string? runs) in new (string, CheckpointPosition?, string?)[]
                {
                    ("a", null, "11-12"),
                    ("b", At(12, 4), "14-15,17.2-17.9"),
                    ("c", At(19), null),
                    ("d", At(19), ""),
                    ("e", At(20), "it's \"quoted\" \\ 日本語 🚀 %_$1"),
                    ("f", At(21), new string('7', 20_000)),
                    ("g", CheckpointPosition.ShardEnd, null),
                })
                {
                    var next = new StoredPosition(3, row.Number + 1, position) { Runs = runs, Lineage = Lineage };
                    run.Require(await run.CommitAsync(row, next, effect), $"commit {effect} was refused");
                    await run.RequireRowAsync(next);
                    row = next;
                }

                await run.RequireEffectsAsync("a", "b", "c", "d", "e", "f", "g");
                IReadOnlyDictionary<PositionKey, StoredPosition> listed =
                    await run.Store.ListAsync(Key.Application, Key.StreamArn, run.Cancellation);
                run.RequireSame(listed.GetValueOrDefault(Key), row, "the listed row");
            });
        yield return new("For outputs: a commit with a row and without effects moves the row", static async run =>
        {
            await PutAsync(run);
            StoredPosition next = s_row with { Number = 2, Position = At(15), Runs = "18" };
            run.Require(await run.CommitAsync(s_row, next), "it was refused");
            await run.RequireRowAsync(next);
        });
        yield return new("For outputs: a commit with a row is judged by epoch and number only", static async run =>
        {
            await PutAsync(run);
            var former = new StoredPosition(s_row.Epoch, s_row.Number, At(99)) { Runs = "100", Lineage = "another" };
            StoredPosition next = s_row with { Number = 2, Position = At(11), Lineage = null };
            run.Require(await run.CommitAsync(former, next, "a"), "it was refused");
            await run.RequireRowAsync(next);
            await run.RequireEffectsAsync("a");
        });
        yield return new("For outputs: an epoch leaves runs and lineage", static async run =>
        {
            await PutAsync(run);
            foreach (long epoch in new[] { 3L, 2, 4, 900 })
            {
                StoredPosition row = s_row with { Epoch = Math.Max(epoch, 3) };
                run.RequireSame(await run.SetEpochAsync(epoch), row, $"the answer to epoch {epoch}");
                await run.RequireRowAsync(row);
            }
        });
        yield return new("For outputs: an operator's row is written with its runs and lineage", static async run =>
        {
            await PutAsync(run);
            StoredPosition row = s_row;
            foreach (StoredPosition set in new StoredPosition[]
            {
                new(5, 2, At(30)) { Runs = "32-33", Lineage = "another" },
                new(5, 3, null) { Lineage = "another" },
                new(5, 4, At(30)) { Runs = "32" },
                new(5, 5, At(31)),
            })
            {
                run.Require(await run.Store.SetAsync(Key, row, set, run.Cancellation), $"row {set.Number} was not set");
                await run.RequireRowAsync(set);
                row = set;
            }
        });
        foreach ((string what, long epoch, long number) in new (string, long, long)[]
        {
            ("a lower epoch", 2, 1),
            ("a higher epoch", 4, 1),
            ("a lower number", 3, 0),
            ("a higher number", 3, 2),
        })
        {
            yield return new($"For outputs: a commit with a row on {what} is refused, and changes nothing", async run =>
            {
                await PutAsync(run);
                StoredPosition former = s_row with { Epoch = epoch, Number = number };
                StoredPosition next = former with { Number = number + 1, Position = At(50), Runs = null, Lineage = "another" };
                run.Require(!await run.CommitAsync(former, next, "a"), "it was not refused");
                run.Require(!await run.CommitAsync(former, next), "it was not refused without effects");
                await run.RequireRowAsync(s_row);
                await run.RequireEffectsAsync();
                next = s_row with { Number = 2, Position = At(15) };
                run.Require(await run.CommitAsync(s_row, next, "b"), "the next was refused");
                await run.RequireRowAsync(next);
                await run.RequireEffectsAsync("b");
            });
        }

        yield return new("For outputs: a commit with a row where there is none is refused, and creates none", static async run =>
        {
            StoredPosition next = s_row with { Number = 2 };
            run.Require(!await run.CommitAsync(s_row, next, "a"), "it was not refused");
            run.Require(!await run.CommitAsync(s_row, next), "it was not refused without effects");
            await run.RequireRowAsync(null);
            await run.RequireEffectsAsync();
        });
        yield return new("For outputs: of two transactions of one former row, the second is refused", static async run =>
        {
            await PutAsync(run);
            StoredPosition next = s_row with { Number = 2, Position = At(15) };
            object first = await run.Opened.BeginAsync(run.Cancellation);
            object second = await run.Opened.BeginAsync(run.Cancellation);
            await run.Opened.WriteEffectAsync(first, "first", run.Cancellation);
            await run.Opened.WriteEffectAsync(second, "second", run.Cancellation);
            run.Require(await run.Opened.CommitAsync(second, Key, s_row, next, run.Cancellation), "the first commit was refused");
            run.Require(!await run.Opened.CommitAsync(first, Key, s_row, next, run.Cancellation), "its repetition was not refused");
            await run.Opened.EndAsync(first);
            await run.Opened.EndAsync(second);
            await run.RequireEffectsAsync("second");
            await run.RequireRowAsync(next);
        });
    }

    private static async Task PutAsync(PositionStoreRun run)
    {
        run.Require(await run.Store.SetAsync(Key, null, s_row, run.Cancellation), "a row was not created");
        await run.RequireRowAsync(s_row);
    }
}
