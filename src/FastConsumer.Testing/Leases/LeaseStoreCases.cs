using FastConsumer.Kinesis;
using FastConsumer.Leases;
using static FastConsumer.Testing.Leases.LeaseStoreRun;

namespace FastConsumer.Testing.Leases;

/// <summary>The cases of <see cref="LeaseStoreConformance"/>.</summary>
internal static class LeaseStoreCases
{
    public static IEnumerable<LeaseStoreConformance.Case> Rows()
    {
        yield return new("A table may be prepared twice", static async run =>
        {
            await run.PutAsync(Key, Row());
            await using ILeaseStore another = run.Open();
            await another.PrepareAsync(run.Cancellation);
            run.Require(
                (await another.ListAsync(ReadConsistency.Strong, run.Cancellation)).Count == 1,
                    "the row is not there after another Prepare");
        });
        yield return new("The store describes its table", static run =>
        {
            run.Require(!string.IsNullOrWhiteSpace(run.Store.Description), "Description is empty");
            return Task.CompletedTask;
        });
        yield return new("An empty table lists nothing", static async run =>
        {
            foreach (ReadConsistency consistency in new[] { ReadConsistency.Eventual, ReadConsistency.Strong })
            {
                run.Require((await run.Store.ListAsync(consistency, run.Cancellation)).Count == 0, "an empty table lists rows");
                run.Require((await run.Store.GetManyAsync([Key], consistency, run.Cancellation)).Count == 0, "an absent row is read");
            }

            run.Require((await run.Store.GetManyAsync([], ReadConsistency.Strong, run.Cancellation)).Count == 0, "no keys give rows");
        });
        yield return new("A lease comes back as it was created", static async run =>
        {
            var lease = new Lease
            {
                LeaseKey = Key,
                LeaseCounter = 7,
                LeaseOwner = "me",
                OwnerSwitchesSinceCheckpoint = 3,
                Checkpoint = CheckpointPosition.At(SequenceNumber.Parse("49590338271490256608559692538361571095921575989136588898"), 12),
                ParentShardIds = ["shardId-000000000008", "shardId-000000000009"],
                ChildShardIds = ["shardId-000000000010"],
                HashKeyRange = new HashKeyRange(0, UInt128.MaxValue),
                StartedAt = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123),
                StreamCreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(1_600_000_000_456),
                StreamName = "orders",
                TakenBy = "me",
                Session = "process/7",
                Duration = TimeSpan.FromSeconds(10),
                RequestedBy = "other",
                Notification = "other/1",
                Throughput = 12.5,
            };
            await run.RequireWrittenAsync(await run.Store.CreateAsync(lease, run.Cancellation), Key, Attributes(lease));
            Lease? read = await run.ReadAsync();
            run.Require(read == lease, $"it came back as {read}");
        });
        yield return new("Creating what is there is refused and changes nothing", static async run =>
        {
            Dictionary<string, Lease.Value> row = Row((Lease.Names.LeaseOwner, "other"));
            await run.PutAsync(Key, row);
            await run.RequireRefusedAsync(await run.Store.CreateAsync(new Lease { LeaseKey = Key }, run.Cancellation), Key, row);
            Dictionary<string, Lease.Value> leader = new() { [Lease.Names.EntityType] = "LEADER" };
            await run.PutAsync("Leader", leader);
            LeaseWrite.Result result = await run.Store.CreateAsync(new Lease { LeaseKey = "Leader" }, run.Cancellation);
            run.Require(result.Outcome == LeaseWrite.Outcome.Refused, $"creating over a row that is no lease was {Text(result)}");
        });
        yield return new("Creating while other rows are there is refused once one is gone", static async run =>
        {
            var lease = new Lease { LeaseKey = Key, ParentShardIds = ["a", "b"], Snapshot = "s/1:0:1:x:c::", Lineage = "l.1" };
            try
            {
                await run.PutAsync("a", Row());
                LeaseWrite.Result refused = await run.Store.CreateWhileThereAsync(lease, ["a", "b"], run.Cancellation);
                run.Require(refused.Outcome == LeaseWrite.Outcome.Refused, $"creating without row 'b' was {Text(refused)}");
                run.Require(await run.ReadAsync() is null, "a row was created although it was refused");
            }
            catch (NotSupportedException)
            {
                // a store without it keeps no leases of processors with state
                return;
            }

            await run.PutAsync("b", Row());
            await run.RequireWrittenAsync(
                await run.Store.CreateWhileThereAsync(lease, ["a", "b"], run.Cancellation), Key, Attributes(lease));
            Dictionary<string, Lease.Value> other = Row((Lease.Names.LeaseOwner, "other"));
            await run.PutAsync(Key, other);
            await run.RequireRefusedAsync(
                await run.Store.CreateWhileThereAsync(lease, ["a", "b"], run.Cancellation), Key, other);
        });
        yield return new("Values of all types survive a write", static async run =>
        {
            Dictionary<string, Lease.Value> row = Row(
                ("aText", "x"),
                ("aNumber", Lease.Value.FromNumber("0.815008")),
                ("aLongNumber", Lease.Value.FromNumber("12345678901234567890123456789012345678")),
                ("aSet", Lease.Value.FromStrings(["b", "a"])),
                ("bytes", Lease.Value.FromBytes([0, 1, 255])),
                ("yes", Lease.Value.FromBoolean(true)));
            await run.PutAsync(Key, row);
            await run.RequireRowAsync(Key, row);
            LeaseWrite.Result result = await run.WriteAsync(Renewal());
            row[Lease.Names.LeaseCounter] = 5;
            await run.RequireWrittenAsync(result, Key, row);
        });
        yield return new("Rows that are no leases are left out", static async run =>
        {
            await run.PutAsync(Key, Row());
            await run.PutAsync(
                "Leader", new Dictionary<string, Lease.Value> { [Lease.Names.EntityType] = "LEADER", [Lease.Names.LeaseCounter] = 1 });
            await run.PutAsync("note", new Dictionary<string, Lease.Value> { ["text"] = "x" });
            IReadOnlyList<Lease> listed = await run.Store.ListAsync(ReadConsistency.Strong, run.Cancellation);
            run.Require(
                listed.Count == 1 && listed[0].LeaseKey == Key, $"listed: {string.Join(", ", listed.Select(static row => row.LeaseKey))}");
            run.Require(await run.ReadAsync("Leader") is null, "a row that is no lease was read as one");
        });
        yield return new("Rows that cannot be read are listed with their problem", static async run =>
        {
            await run.PutAsync(Key, Row((Lease.Names.Checkpoint, "hello")));
            Dictionary<string, Lease.Value> withoutCounter = Row();
            withoutCounter.Remove(Lease.Names.LeaseCounter);
            await run.PutAsync("shardId-000000000002", withoutCounter);
            await run.PutAsync("shardId-000000000003", Row());
            IReadOnlyList<Lease> listed = await run.Store.ListAsync(ReadConsistency.Strong, run.Cancellation);
            string[] damaged = [.. listed.Where(static row => row.Problem is not null).Select(static row => row.LeaseKey).Order(
                StringComparer.Ordinal)];
            run.Require(
                listed.Count == 3 && damaged.SequenceEqual([Key, "shardId-000000000002"]),
                $"of {listed.Count} rows {damaged.Length} have a problem, where of 3 rows 2 should");
        });
        yield return new("A long list is complete, and some of it can be read", static async run =>
        {
            string[] keys = [.. Enumerable.Range(0, 120).Select(static i => $"shardId-{i:D12}")];
            foreach (string key in keys)
            {
                await run.PutAsync(key, Row());
            }

            IReadOnlyList<Lease> listed = await run.Store.ListAsync(ReadConsistency.Strong, run.Cancellation);
            run.Require(
                keys.SequenceEqual(listed.Select(static row => row.LeaseKey).Order(StringComparer.Ordinal)),
                    $"{listed.Count} of 120 rows are listed");
            IReadOnlyList<Lease> some = await run.Store.GetManyAsync([.. keys.Take(110), "none"], ReadConsistency.Strong, run.Cancellation);
            run.Require(
                keys.Take(110).SequenceEqual(some.Select(static row => row.LeaseKey).Order(StringComparer.Ordinal)),
                    $"{some.Count} of 110 rows are read");
        });
        yield return new("A lease is deleted as observed only", static async run =>
        {
            Dictionary<string, Lease.Value> row = Row((Lease.Names.LeaseOwner, "me"));
            await run.PutAsync(Key, row);
            Lease observed = (await run.ReadAsync())!;
            foreach (Lease other in new[]
            {
                observed with { LeaseCounter = 3 },
                observed with { LeaseOwner = null },
                observed with { LeaseOwner = "other" },
                observed with { CheckpointOwner = "old" },
            })
            {
                await run.RequireRefusedAsync(await run.Store.DeleteAsync(other, run.Cancellation), Key, row);
            }

            LeaseWrite.Result result = await run.Store.DeleteAsync(observed, run.Cancellation);
            run.Require(result.Outcome == LeaseWrite.Outcome.Written, $"the deletion was {Text(result)}");
            await run.RequireRowAsync(Key, null);
            await run.RequireRefusedAsync(await run.Store.DeleteAsync(observed, run.Cancellation), Key, null);
        });
        yield return new("A cancelled call says so", static async run =>
        {
            using var cancelled = new CancellationTokenSource();
            await cancelled.CancelAsync();
            CancellationToken token = cancelled.Token;
            Lease lease = new() { LeaseKey = Key };
            await run.RequireThrowsAsync<OperationCanceledException>(() => run.Store.ListAsync(ReadConsistency.Strong, token), "ListAsync");
            await run.RequireThrowsAsync<OperationCanceledException>(
                () => run.Store.GetManyAsync([Key, "x"], ReadConsistency.Strong, token), "GetManyAsync");
            await run.RequireThrowsAsync<OperationCanceledException>(() => run.Store.CreateAsync(lease, token), "CreateAsync");
            await run.RequireThrowsAsync<OperationCanceledException>(() => run.Store.WriteAsync([Renewal()], token), "WriteAsync");
            await run.RequireThrowsAsync<OperationCanceledException>(() => run.Store.DeleteAsync(lease, token), "DeleteAsync");
        });
    }

    public static IEnumerable<LeaseStoreConformance.Case> Writes()
    {
        yield return new("A write sets, removes and leaves the rest alone", static async run =>
        {
            await run.PutAsync(Key, Row((Lease.Names.LeaseOwner, "me"), (Lease.Names.RequestedBy, "x"), ("other", "kept")));
            LeaseWrite.Result result = await run.WriteAsync(Renewal() with
            {
                Set = Set((Lease.Names.LeaseCounter, 5), (Lease.Names.Checkpoint, "77"), (Lease.Names.TakenBy, "me")),
                Remove = [Lease.Names.LeaseOwner, Lease.Names.RequestedBy, Lease.Names.Notification],
            });
            Dictionary<string, Lease.Value> row = Row(
                ("other", "kept"), (Lease.Names.LeaseCounter, 5), (Lease.Names.Checkpoint, "77"), (Lease.Names.TakenBy, "me"));
            await run.RequireWrittenAsync(result, Key, row);
        });
        yield return new("A write only removes", static async run =>
        {
            await run.PutAsync(Key, Row((Lease.Names.RequestedBy, "x")));
            await run.RequireWrittenAsync(
                await run.WriteAsync(new LeaseWrite { LeaseKey = Key, If = If(), Remove = [Lease.Names.RequestedBy] }), Key, Row());
        });
        yield return new("Attributes of any name are written", static async run =>
        {
            await run.PutAsync(Key, Row(("order", "1"), ("a-b.c", "1")));
            LeaseWrite.Result result = await run.WriteAsync(Renewal() with
            {
                If = If((Lease.Names.LeaseCounter, 4), ("order", "1"), ("a-b.c", "1"), ("select", null)),
                Set = Set((Lease.Names.LeaseCounter, 5), ("select", 1), ("order", "2")),
                Remove = ["a-b.c"],
            });
            await run.RequireWrittenAsync(result, Key, Row((Lease.Names.LeaseCounter, 5), ("select", 1), ("order", "2")));
        });
        yield return new("A condition on a set, bytes or a number is one on its content", static async run =>
        {
            (string, Lease.Value)[] more =
            [
                (Lease.Names.ChildShardIds, Lease.Value.FromStrings(["b", "a"])),
                (Lease.Names.PendingCheckpointState, Lease.Value.FromBytes([1, 2])),
                (Lease.Names.Throughput, Lease.Value.FromNumber("1.50")),
            ];
            await run.PutAsync(Key, Row(more));
            Dictionary<string, Lease.Value?> condition = If(
                (Lease.Names.LeaseCounter, 4),
                (Lease.Names.ChildShardIds, Lease.Value.FromStrings(["a", "b"])),
                (Lease.Names.PendingCheckpointState, Lease.Value.FromBytes([1, 2])),
                (Lease.Names.Throughput, Lease.Value.FromNumber("1.5")));
            LeaseWrite.Result result = await run.WriteAsync(Renewal() with { If = condition });
            await run.RequireWrittenAsync(result, Key, Row([(Lease.Names.LeaseCounter, 5), .. more]));
            condition[Lease.Names.LeaseCounter] = 5;
            condition[Lease.Names.ChildShardIds] = Lease.Value.FromStrings(["a"]);
            await run.RequireRefusedAsync(
                await run.WriteAsync(Renewal(counter: 5) with { If = condition }), Key, Row([(Lease.Names.LeaseCounter, 5), .. more]));
        });
        foreach ((string what, string attribute, Lease.Value? value) in new (string, string, Lease.Value?)[]
        {
            ("another counter", Lease.Names.LeaseCounter, 3),
            ("another owner", Lease.Names.LeaseOwner, "other"),
            ("no owner", Lease.Names.LeaseOwner, null),
            ("a session", Lease.Names.Session, "p/4"),
            ("a value of another type", Lease.Names.LeaseCounter, "4"),
        })
        {
            foreach (bool removes in new[] { false, true })
            {
                yield return new(
                    $"A write is refused where its condition names {what}{(removes ? ", also one that removes" : "")}", async run =>
                {
                    Dictionary<string, Lease.Value> row = Row((Lease.Names.LeaseOwner, "me"), (Lease.Names.RequestedBy, "x"));
                    await run.PutAsync(Key, row);
                    Dictionary<string, Lease.Value?> condition = If((Lease.Names.LeaseCounter, 4), (Lease.Names.LeaseOwner, "me"));
                    condition[attribute] = value;
                    LeaseWrite write = Renewal() with { If = condition, Remove = removes ? [Lease.Names.RequestedBy] : [] };
                    await run.RequireRefusedAsync(await run.WriteAsync(write), Key, row);
                    IReadOnlyList<LeaseWrite.Result> together =
                        await run.Store.WriteAsync([write, write with { LeaseKey = "none" }], run.Cancellation);
                    await run.RequireRefusedAsync(together[0], Key, row);
                    await run.RequireRefusedAsync(together[1], "none", null);
                });
            }
        }

        yield return new("A write is refused where an attribute is there that must be absent", static async run =>
        {
            Dictionary<string, Lease.Value> row = Row((Lease.Names.LeaseOwner, "next"), (Lease.Names.CheckpointOwner, "me"));
            await run.PutAsync(Key, row);
            await run.RequireRefusedAsync(
                await run.WriteAsync(Renewal() with { If = If((Lease.Names.LeaseCounter, 4), (Lease.Names.CheckpointOwner, null)) }), Key,
                    row);
        });
        yield return new("No write creates a row", static async run =>
        {
            foreach (LeaseWrite write in new[]
            {
                new LeaseWrite { LeaseKey = Key, If = If(), Set = Set((Lease.Names.Notification, "x")) },
                new LeaseWrite { LeaseKey = Key, If = If((Lease.Names.LeaseOwner, null)), Set = Set((Lease.Names.LeaseCounter, 1)) },
                new LeaseWrite { LeaseKey = Key, If = If(), Remove = [Lease.Names.Notification] },
            })
            {
                await run.RequireRefusedAsync(await run.WriteAsync(write), Key, null);
                IReadOnlyList<LeaseWrite.Result> together =
                    await run.Store.WriteAsync([write, write with { LeaseKey = "shardId-000000000002" }], run.Cancellation);
                await run.RequireRefusedAsync(together[0], Key, null);
                await run.RequireRefusedAsync(together[1], "shardId-000000000002", null);
            }
        });
        yield return new("No writes have no results", static async run =>
            run.Require((await run.Store.WriteAsync([], run.Cancellation)).Count == 0, "no writes have results"));
        foreach (int count in new[] { 2, 25, 26, 60 })
        {
            yield return new($"Each of {count} writes has its own outcome, in their order", async run =>
            {
                List<LeaseWrite> writes = [];
                for (int i = 0; i < count; i++)
                {
                    string key = $"shardId-{i:D12}";
                    if (i % 4 != 3)
                    {
                        await run.PutAsync(key, Row((Lease.Names.LeaseCounter, i % 4 == 1 ? 9 : 4), (Lease.Names.RequestedBy, "x")));
                    }

                    writes.Add(Renewal(key) with { Remove = i % 8 >= 4 ? [Lease.Names.RequestedBy] : [] });
                }

                IReadOnlyList<LeaseWrite.Result> results = await run.Store.WriteAsync(writes, run.Cancellation);
                run.Require(results.Count == count, $"{results.Count} results");
                for (int i = 0; i < count; i++)
                {
                    string key = writes[i].LeaseKey;
                    Dictionary<string, Lease.Value> row = Row((Lease.Names.LeaseCounter, i % 4 == 1 ? 9 : 5));
                    if (i % 8 < 4 || i % 4 == 1)
                    {
                        row[Lease.Names.RequestedBy] = "x";
                    }

                    if (i % 2 == 0)
                    {
                        await run.RequireWrittenAsync(results[i], key, row);
                    }
                    else
                    {
                        await run.RequireRefusedAsync(results[i], key, i % 4 == 3 ? null : row);
                    }
                }
            });
        }

        yield return new("What no store can write is an ArgumentException that names the row", static async run =>
        {
            await run.PutAsync(Key, Row());
            foreach ((string what, LeaseWrite[] writes) in new (string, LeaseWrite[])[]
            {
                ("two writes of one row", [Renewal(), Renewal()]),
                ("a write that changes nothing", [new LeaseWrite { LeaseKey = Key, If = If() }]),
                ("a write that sets and removes one attribute", [Renewal() with { Remove = [Lease.Names.LeaseCounter] }]),
                ("a write of the key", [Renewal() with { Set = Set((Lease.Names.LeaseKey, "x")) }]),
            })
            {
                await run.RequireThrowsAsync<ArgumentException>(() => run.Store.WriteAsync(writes, run.Cancellation), what);
            }

            await run.RequireRowAsync(Key, Row());
        });
    }

    public static IEnumerable<LeaseStoreConformance.Case> Races()
    {
        yield return new("Of 16 creators one creates", static async run =>
        {
            LeaseWrite.Result[] results = await Task.WhenAll(Enumerable.Range(0, 16).Select(i =>
                run.Store.CreateAsync(new Lease { LeaseKey = Key, LeaseOwner = $"{i}" }, run.Cancellation)));
            RequireOne(run, results);
        });
        foreach (bool removes in new[] { false, true })
        {
            yield return new($"Of 16 takers of one counter one wins{(removes ? ", also where they remove" : "")}", async run =>
            {
                await run.PutAsync(Key, Row());
                ILeaseStore[] stores = [.. Enumerable.Range(0, 16).Select(_ => run.Open())];
                IReadOnlyList<LeaseWrite.Result>[] results = await Task.WhenAll(stores.Select((store, i) => store.WriteAsync(
                    [
                        Renewal() with
                        {
                            Set = Set((Lease.Names.LeaseCounter, 5), (Lease.Names.LeaseOwner, $"worker {i}")),
                            Remove = removes ? [Lease.Names.RequestedBy] : [],
                        },
                    ],
                    run.Cancellation)));
                int winner = RequireOne(run, [.. results.Select(static result => result[0])]);
                await run.RequireRowAsync(Key, Row((Lease.Names.LeaseCounter, 5), (Lease.Names.LeaseOwner, $"worker {winner}")));
                foreach (ILeaseStore store in stores)
                {
                    await store.DisposeAsync();
                }
            });
        }

        yield return new("Two at once never both write one counter", static async run =>
        {
            const int Rows = 10;
            const int Rounds = 20;
            for (int i = 0; i < Rows; i++)
            {
                await run.PutAsync($"shardId-{i:D12}", Row((Lease.Names.LeaseCounter, 0)));
            }

            await using ILeaseStore another = run.Open();
            long[] written = await Task.WhenAll(WriteAsync(run.Store), WriteAsync(another));
            IReadOnlyList<Lease> rows = await run.Store.ListAsync(ReadConsistency.Strong, run.Cancellation);
            long counted = rows.Sum(static row => row.LeaseCounter);
            run.Require(written.Sum() == counted, $"{written.Sum()} writes were Written, and the counters say {counted}");

            async Task<long> WriteAsync(ILeaseStore store)
            {
                long count = 0;
                for (int round = 0; round < Rounds; round++)
                {
                    IReadOnlyList<Lease> seen = await store.ListAsync(ReadConsistency.Strong, run.Cancellation);
                    IReadOnlyList<LeaseWrite.Result> results = await store.WriteAsync(
                        [.. seen.Select(static row => Renewal(row.LeaseKey, row.LeaseCounter))], run.Cancellation);
                    run.Require(
                        results.All(static result => result.Outcome is LeaseWrite.Outcome.Written or LeaseWrite.Outcome.Refused),
                        "a write was neither Written nor Refused, though the table answers");
                    count += results.Count(static result => result.Outcome == LeaseWrite.Outcome.Written);
                }

                return count;
            }
        });
    }

    private static int RequireOne(LeaseStoreRun run, LeaseWrite.Result[] results)
    {
        int written = results.Count(static result => result.Outcome == LeaseWrite.Outcome.Written);
        int refused = results.Count(static result => result.Outcome == LeaseWrite.Outcome.Refused);
        run.Require(written == 1 && refused == results.Length - 1, $"{written} were Written and {refused} Refused of {results.Length}");
        return Array.FindIndex(results, static result => result.Outcome == LeaseWrite.Outcome.Written);
    }

    private static Dictionary<string, Lease.Value> Attributes(Lease lease) => lease.ToAttributes()
        .Where(static pair => pair.Key != Lease.Names.LeaseKey)
        .ToDictionary(StringComparer.Ordinal);
}
