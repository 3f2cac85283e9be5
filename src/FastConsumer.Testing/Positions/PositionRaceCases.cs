using static FastConsumer.Testing.Positions.PositionStoreRun;

namespace FastConsumer.Testing.Positions;

/// <summary>The cases of <see cref="PositionStoreConformance"/> about several at a time.</summary>
internal static class PositionRaceCases
{
    private const int Competitors = 8;

    public static IEnumerable<PositionStoreConformance.Case> All()
    {
        yield return new("Of two open transactions of one former row, the second is refused", static async run =>
        {
            StoredPosition row = await run.SetEpochAsync(3);
            object first = await run.Opened.BeginAsync(run.Cancellation);
            object second = await run.Opened.BeginAsync(run.Cancellation);
            await run.Opened.WriteEffectAsync(first, "first", run.Cancellation);
            await run.Opened.WriteEffectAsync(second, "second", run.Cancellation);
            run.Require(await run.Opened.CommitAsync(second, Key, row, At(10), run.Cancellation), "the first commit was refused");
            run.Require(!await run.Opened.CommitAsync(first, Key, row, At(10), run.Cancellation), "its repetition was not refused");
            await run.RequireEffectsAsync("second");
            await run.Opened.EndAsync(first);
            await run.Opened.EndAsync(second);
            await run.RequireEffectsAsync("second");
            await run.RequireRowAsync(new StoredPosition(3, 1, At(10)));
        });
        yield return new("A former owner with an open transaction cannot commit once the epoch is higher", static async run =>
        {
            StoredPosition former = await run.SetEpochAsync(3);
            await using OpenedPositionStore successor = run.Open();
            object transaction = await run.Opened.BeginAsync(run.Cancellation);
            await run.Opened.WriteEffectAsync(transaction, "former", run.Cancellation);
            // it has not come to its commit, so nobody waits for it
            StoredPosition row = await successor.Store.SetEpochAsync(Key, 4, run.Cancellation);
            run.RequireSame(row, new StoredPosition(4, 0, null), "the successor's row");
            run.Require(
                !await run.Opened.CommitAsync(transaction, Key, former, At(10), run.Cancellation), "the former owner was not refused");
            await run.Opened.EndAsync(transaction);
            await run.RequireEffectsAsync();
            run.Require(await run.CommitAsync(row, At(10), "successor"), "the successor was refused");
            await run.RequireEffectsAsync("successor");
        });
        yield return new("A row that was set by an operator refuses the owner's open transaction", static async run =>
        {
            StoredPosition former = await run.SetEpochAsync(3);
            object transaction = await run.Opened.BeginAsync(run.Cancellation);
            await run.Opened.WriteEffectAsync(transaction, "owner", run.Cancellation);
            var row = new StoredPosition(3, 1, At(5));
            run.Require(await run.Store.SetAsync(Key, former, row, run.Cancellation), "the row was not set");
            run.Require(!await run.Opened.CommitAsync(transaction, Key, former, At(10), run.Cancellation), "the owner was not refused");
            await run.Opened.EndAsync(transaction);
            await run.RequireEffectsAsync();
            await run.RequireRowAsync(row);
        });
        yield return new("Stores see at once what another wrote", static async run =>
        {
            await using OpenedPositionStore other = run.Open();
            StoredPosition row = await run.SetEpochAsync(3);
            for (int i = 0; i < 10; i++)
            {
                run.Require(await run.CommitAsync(row, At(i)), $"commit {i} was refused");
                row = row with { Number = row.Number + 1, Position = At(i) };
                run.RequireSame(await other.Store.ReadAsync(Key, run.Cancellation), row, "the row that another store reads");
            }
        });
        yield return new($"Of {Competitors} commits of one former row at the same time one wins", static async run =>
        {
            StoredPosition row = await run.SetEpochAsync(3);
            for (int round = 0; round < 5; round++)
            {
                StoredPosition former = row;
                bool[] won = await Task.WhenAll(Enumerable.Range(0, Competitors).Select(
                    i => run.CommitAsync(former, At((round * 100) + i), $"{former.Number}/{i}")));
                run.Require(won.Count(static one => one) == 1, $"{won.Count(static one => one)} of {Competitors} won");
                row = new StoredPosition(3, former.Number + 1, At((round * 100) + Array.IndexOf(won, true)));
                await run.RequireRowAsync(row);
            }

            // of each round the winner's, whose position the row had then
            await run.RequireOneEffectPerRoundAsync(rounds: 5);
        });
        yield return new($"Of {Competitors} epochs at the same time the highest stays", static async run =>
        {
            for (int round = 0; round < 5; round++)
            {
                int lowest = round * Competitors;
                StoredPosition[] rows = await Task.WhenAll(
                    Enumerable.Range(lowest, Competitors).Select(epoch => run.SetEpochAsync(epoch)));
                for (int i = 0; i < Competitors; i++)
                {
                    run.Require(
                        rows[i].Epoch >= lowest + i && rows[i].Epoch < lowest + Competitors,
                        $"epoch {lowest + i} was answered with {rows[i].Epoch}");
                }

                await run.RequireRowAsync(new StoredPosition(lowest + Competitors - 1, 0, null));
            }
        });
        yield return new("A higher epoch is answered with all that its former owner committed", static async run =>
        {
            await using OpenedPositionStore successor = run.Open();
            for (int round = 0; round < 10; round++)
            {
                StoredPosition former = await run.SetEpochAsync(round * 2);
                Task<bool> committing = run.CommitAsync(former, At(round), $"{round}");
                StoredPosition row = await successor.Store.SetEpochAsync(Key, (round * 2) + 1, run.Cancellation);
                bool isCommitted = await committing;
                StoredPosition expected = isCommitted
                    ? new StoredPosition((round * 2) + 1, former.Number + 1, At(round))
                    : former with { Epoch = (round * 2) + 1 };
                run.RequireSame(row, expected, $"the successor's row, where the former owner was {(isCommitted ? "" : "not ")}committed,");
                await run.RequireRowAsync(expected);
            }
        });
        yield return new($"{Competitors} shards commit beside each other", static async run =>
        {
            await Task.WhenAll(Enumerable.Range(0, Competitors).Select(async shard =>
            {
                PositionKey key = Key with { ShardId = $"shardId-{shard:D12}" };
                StoredPosition row = await run.SetEpochAsync(shard, key);
                for (int i = 0; i < 10; i++)
                {
                    run.Require(await run.CommitAsync(row, At(i), $"{shard}/{i}", key), $"commit {i} of shard {shard} was refused");
                    row = row with { Number = row.Number + 1, Position = At(i) };
                }

                await run.RequireRowAsync(row, key);
            }));
            await run.RequireEffectsAsync([.. Enumerable.Range(0, Competitors).SelectMany(
                static shard => Enumerable.Range(0, 10).Select(i => $"{shard}/{i}"))]);
        });
    }

    private static async Task RequireOneEffectPerRoundAsync(this PositionStoreRun run, int rounds)
    {
        string[] found = [.. (await run.ReadEffectsAsync()).Select(static effect => effect.Split('/')[0]).Order(StringComparer.Ordinal)];
        string[] expected = [.. Enumerable.Range(0, rounds).Select(static round => $"{round}").Order(StringComparer.Ordinal)];
        run.Require(
            found.SequenceEqual(expected),
            $"the effects are of rounds [{string.Join(", ", found)}], where one of each of {rounds} is expected");
    }
}
