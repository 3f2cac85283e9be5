using FastConsumer.Checkpoints;
using static FastConsumer.Testing.Checkpoints.CheckpointStoreRun;

namespace FastConsumer.Testing.Checkpoints;

/// <summary>The cases of <see cref="CheckpointStoreConformance"/> about listings.</summary>
internal static class CheckpointListCases
{
    /// <summary>More than a page of any store: S3's has 1,000.</summary>
    private const int Many = 1_203;

    public static IEnumerable<CheckpointStoreConformance.Case> All()
    {
        yield return new("An empty place lists nothing", static async run =>
        {
            await run.RequireListedAsync("");
            await run.RequireListedAsync("orders/");
            await run.RequireListedAsync(Name);
        });
        yield return new("A listing has the objects whose names begin with the prefix, and their lengths", static async run =>
        {
            CheckpointObject[] all =
            [
                new("orders/L1/seg/S1/1", 1), new("orders/L1/seg/S1/10", 2), new("orders/L1/seg/S1/2", 3), new("orders/L1/seg/S2/1", 4),
                new("orders/L1/id", 5), new("orders/L2/seg/S1/1", 6), new("orders2/L1/seg/S1/1", 7), new("Orders/L1/seg/S3/1", 8),
            ];
            foreach (CheckpointObject one in all)
            {
                await run.CreateAsync(Bytes((int)one.Length), one.Name);
            }

            string[] prefixes =
            [
                "", "orders", "orders/", "orders/L1", "orders/L1/", "orders/L1/seg/S1", "orders/L1/seg/S1/", "orders/L1/seg/S1/1",
                "orders/L1/seg/S1/10", "orders/L1/seg/S1/100", "orders/L1/i", "o", "O", "x", "seg", "orders/L1/seg/S1/1/",
            ];
            foreach (string prefix in prefixes)
            {
                await run.RequireListedAsync(prefix, all.Where(one => one.Name.StartsWith(prefix, StringComparison.Ordinal)));
            }
        });
        yield return new($"A listing of {Many} objects has each of them once", static async run =>
        {
            CheckpointObject[] all = [.. Enumerable.Range(0, Many).Select(static i => new CheckpointObject($"orders/{i % 7}/{i}", i % 5))];
            await Parallel.ForEachAsync(
                all,
                new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = run.Cancellation },
                async (one, _) => await run.CreateAsync(Bytes((int)one.Length), one.Name));
            await run.RequireListedAsync("orders/", all);
            await run.RequireListedAsync("orders/3", all.Where(static one => one.Name.StartsWith("orders/3", StringComparison.Ordinal)));
            int listed = 0;
            await foreach (CheckpointObject _ in run.Store.ListAsync("", run.Cancellation))
            {
                if (++listed == 10)
                {
                    break;
                }
            }

            run.Require(listed == 10, "a listing cannot be left early");
        });
        yield return new("An object that is deleted between the listing and the read is missing", static async run =>
        {
            ICheckpointStore sweeper = run.Open();
            for (int i = 0; i < 5; i++)
            {
                await run.CreateAsync(Bytes(10, i), $"orders/{i}");
            }

            foreach (CheckpointObject one in await run.ListAsync("orders/"))
            {
                await sweeper.DeleteAsync(one.Name, run.Cancellation);
                await run.RequireMissingAsync(one.Name);
                await run.Store.DeleteAsync(one.Name, run.Cancellation);
            }

            await run.RequireListedAsync("");
        });
        yield return new("A prefix with which no name begins is refused", static async run =>
        {
            foreach (string? prefix in new[] { "/", "..", "../", "orders/..", "orders//", ".", "orders/.", "orders *", "\\", "Bü", null })
            {
                await run.RequireThrowsAsync<ArgumentException>(
                    () => run.ListAsync(prefix!), $"the listing of {(prefix is null ? "null" : $"'{prefix}'")}");
            }
        });
    }
}
