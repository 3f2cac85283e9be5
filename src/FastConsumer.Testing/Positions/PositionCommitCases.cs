using static FastConsumer.Testing.Positions.PositionStoreRun;

namespace FastConsumer.Testing.Positions;

/// <summary>The cases of <see cref="PositionStoreConformance"/> about one transaction at a time.</summary>
internal static class PositionCommitCases
{
    public static IEnumerable<PositionStoreConformance.Case> All()
    {
        yield return new("A commit moves the position, and its effects are there", static async run =>
        {
            StoredPosition row = await run.SetEpochAsync(3);
            run.Require(await run.CommitAsync(row, At(10, 2), "a"), "it was refused");
            row = new StoredPosition(3, 1, At(10, 2));
            await run.RequireRowAsync(row);
            await run.RequireEffectsAsync("a");
            run.Require(await run.CommitAsync(row, At(11), "b"), "the next was refused");
            await run.RequireRowAsync(new StoredPosition(3, 2, At(11)));
            await run.RequireEffectsAsync("a", "b");
        });
        yield return new("A commit without effects moves the position", static async run =>
        {
            StoredPosition row = await run.SetEpochAsync(3);
            run.Require(await run.CommitAsync(row, At(10)), "it was refused");
            await run.RequireRowAsync(new StoredPosition(3, 1, At(10)));
        });
        yield return new("A commit is judged by epoch and number, not by the position", static async run =>
        {
            StoredPosition row = await run.SetEpochAsync(3);
            run.Require(await run.CommitAsync(row with { Position = At(99) }, At(10)), "it was refused");
            run.Require(await run.CommitAsync(new StoredPosition(3, 1, null), At(5)), "the next was refused");
            await run.RequireRowAsync(new StoredPosition(3, 2, At(5)));
        });
        yield return new("Several effects of a transaction are there together", static async run =>
        {
            StoredPosition row = await run.SetEpochAsync(3);
            object transaction = await run.Opened.BeginAsync(run.Cancellation);
            await run.Opened.WriteEffectAsync(transaction, "a", run.Cancellation);
            await run.Opened.WriteEffectAsync(transaction, "b", run.Cancellation);
            await run.RequireEffectsAsync();
            run.Require(await run.Opened.CommitAsync(transaction, Key, row, At(10), run.Cancellation), "it was refused");
            await run.RequireEffectsAsync("a", "b");
            await run.Opened.EndAsync(transaction);
            await run.RequireEffectsAsync("a", "b");
            await run.RequireRowAsync(new StoredPosition(3, 1, At(10)));
        });
        yield return new("A transaction that ends without a commit is rolled back", static async run =>
        {
            StoredPosition row = await run.SetEpochAsync(3);
            object transaction = await run.Opened.BeginAsync(run.Cancellation);
            await run.Opened.WriteEffectAsync(transaction, "a", run.Cancellation);
            await run.Opened.EndAsync(transaction);
            await run.RequireEffectsAsync();
            await run.RequireRowAsync(row);
            run.Require(await run.CommitAsync(row, At(10), "b"), "the next was refused");
            await run.RequireEffectsAsync("b");
        });
        yield return new("A commit without a row is refused, and creates none", static async run =>
        {
            run.Require(!await run.CommitAsync(new StoredPosition(3, 0, null), At(10), "a"), "it was not refused");
            await run.RequireRowAsync(null);
            await run.RequireEffectsAsync();
        });
        foreach ((string what, StoredPosition former) in new (string, StoredPosition)[]
        {
            ("a lower epoch", new(2, 1, At(10))),
            ("a higher epoch", new(4, 1, At(10))),
            ("a lower number", new(3, 0, At(10))),
            ("a higher number", new(3, 2, At(10))),
        })
        {
            yield return new($"A commit with {what} is refused, and nothing of it is there", async run =>
            {
                var row = new StoredPosition(3, 1, At(10));
                run.Require(await run.Store.SetAsync(Key, null, row, run.Cancellation), "a row was not created");
                run.Require(!await run.CommitAsync(former, At(20), "a"), "it was not refused");
                await run.RequireRowAsync(row);
                await run.RequireEffectsAsync();
                run.Require(await run.CommitAsync(row, At(21), "b"), "the next was refused");
                await run.RequireEffectsAsync("b");
            });
        }

        yield return new("Transactions are released, whatever became of them", static async run =>
        {
            // more than a pool of connections commonly has
            StoredPosition row = await run.SetEpochAsync(3);
            for (int i = 0; i < 120; i++)
            {
                run.Require(await run.CommitAsync(row, At(i)), $"commit {i} was refused");
                row = row with { Number = row.Number + 1, Position = At(i) };
                run.Require(!await run.CommitAsync(row with { Epoch = 2 }, At(i)), $"commit {i} of a lower epoch was not refused");
                await run.Opened.EndAsync(await run.Opened.BeginAsync(run.Cancellation));
            }

            await run.RequireRowAsync(row);
        });
    }
}
