using FastConsumer.Checkpoints;
using static FastConsumer.Testing.Checkpoints.CheckpointStoreRun;

namespace FastConsumer.Testing.Checkpoints;

/// <summary>The cases of <see cref="CheckpointStoreConformance"/> about several at a time.</summary>
internal static class CheckpointRaceCases
{
    private const int Competitors = 8;

    public static IEnumerable<CheckpointStoreConformance.Case> All()
    {
        yield return new("Stores see at once what another has done", static async run =>
        {
            ICheckpointStore other = run.Open();
            for (int i = 0; i < 10; i++)
            {
                string name = $"orders/{i}";
                await run.CreateAsync(Bytes(100, i), name);
                await run.RequireObjectAsync(Bytes(100, i), name, other);
                run.Require((await run.ListAsync("", other)).Count == 1, "another store does not list what was created");
                await other.DeleteAsync(name, run.Cancellation);
                await run.RequireMissingAsync(name);
                await run.RequireListedAsync("");
            }
        });
        yield return new($"Of {Competitors} creations of one name with different bytes exactly one succeeds", static async run =>
        {
            ICheckpointStore[] stores = [.. Enumerable.Range(0, Competitors).Select(_ => run.Open())];
            for (int round = 0; round < 10; round++)
            {
                string name = $"orders/{round}";
                bool[] won = await Task.WhenAll(stores.Select(
                    (store, i) => WinsAsync(run, store, name, Bytes(10_000, (round * 100) + i))));
                run.Require(won.Count(static one => one) == 1, $"{won.Count(static one => one)} of {Competitors} succeeded");
                await run.RequireObjectAsync(Bytes(10_000, (round * 100) + Array.IndexOf(won, true)), name);
            }
        });
        yield return new("Of two creations of one large object with different bytes exactly one succeeds", static async run =>
        {
            bool[] won = await Task.WhenAll(Enumerable.Range(0, 2).Select(
                i => WinsAsync(run, run.Open(), Name, Bytes(run.LargeObjectBytes, i))));
            run.Require(won[0] != won[1], won[0] ? "both succeeded" : "none succeeded");
            await run.RequireObjectAsync(Bytes(run.LargeObjectBytes, won[0] ? 0 : 1));
            await run.RequireListedAsync("", new CheckpointObject(Name, run.LargeObjectBytes));
        });
        yield return new($"{Competitors} creations of one name with the same bytes succeed", static async run =>
        {
            for (int round = 0; round < 10; round++)
            {
                string name = $"orders/{round}";
                byte[] bytes = Bytes(10_000, round);
                await Task.WhenAll(Enumerable.Range(0, Competitors).Select(_ => run.CreateAsync(bytes, name, run.Open())));
                await run.RequireObjectAsync(bytes, name);
            }
        });
        yield return new("Whoever reads while objects are created sees all of an object or none of it", static async run =>
        {
            const int Objects = 20;
            int size = run.LargeObjectBytes / 16;
            ICheckpointStore reader = run.Open();
            async Task CreateAsync()
            {
                for (int i = 0; i < Objects; i++)
                {
                    await run.CreateAsync(Bytes(size, i), $"orders/{i}");
                }
            }

            Task creating = Task.Run(CreateAsync, run.Cancellation);
            int seen = 0;
            while (seen < Objects)
            {
                // what fails here would never be seen
                if (creating.IsFaulted)
                {
                    await creating;
                }

                try
                {
                    run.Require(
                        (await run.ReadAsync(0, size, $"orders/{seen}", reader)).AsSpan().SequenceEqual(Bytes(size, seen)),
                        $"object {seen} was read with other bytes");
                    seen++;
                }
                catch (CheckpointObjectMissingException)
                {
                    // not yet
                }

                foreach (CheckpointObject one in await run.ListAsync("orders/", reader))
                {
                    run.Require(one.Length == size, $"'{one.Name}' was listed with {one.Length} of {size} bytes");
                }
            }

            await creating;
        });
        yield return new("Objects of one folder are created and deleted beside each other", static async run =>
        {
            await Task.WhenAll(Enumerable.Range(0, Competitors).Select(async i =>
            {
                ICheckpointStore store = run.Open();
                for (int round = 0; round < 20; round++)
                {
                    string name = $"orders/seg/{round}/{i}";
                    await run.CreateAsync(Bytes(100, i), name, store);
                    await run.RequireObjectAsync(Bytes(100, i), name, store);
                    await store.DeleteAsync(name, run.Cancellation);
                }
            }));
            await run.RequireListedAsync("");
        });
    }

    private static async Task<bool> WinsAsync(CheckpointStoreRun run, ICheckpointStore store, string name, byte[] bytes)
    {
        try
        {
            await Task.Run(() => run.CreateAsync(bytes, name, store), run.Cancellation);
            return true;
        }
        catch (CheckpointObjectConflictException)
        {
            return false;
        }
    }
}
