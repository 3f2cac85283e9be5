using System.Buffers;
using FastConsumer.Checkpoints;
using static FastConsumer.Testing.Checkpoints.CheckpointStoreRun;

namespace FastConsumer.Testing.Checkpoints;

/// <summary>The cases of <see cref="CheckpointStoreConformance"/> about one object.</summary>
internal static class CheckpointObjectCases
{
    /// <summary>Names that every call must refuse.</summary>
    private static readonly string[] s_badNames =
    [
        "", "/", "/orders", "orders/", "orders//1", ".", "..", "../orders", "orders/..", "orders/../1", "orders/./1", ".orders",
        "orders/.1", "orders/1.", "orders 1", "orders\\1", "C:orders", "orders\n", "orders\0", "Bücher", "orders?1", "orders%2F1",
        new string('a', CheckpointName.MaxPartLength + 1), LongName(CheckpointName.MaxLength + 1),
    ];

    public static IEnumerable<CheckpointStoreConformance.Case> All()
    {
        yield return new("A place may be prepared again and again, and nothing is listed after that", static async run =>
        {
            ICheckpointStore other = run.Open();
            await Task.WhenAll(run.Store.PrepareAsync(run.Cancellation), other.PrepareAsync(run.Cancellation));
            await run.RequireListedAsync("");
            await run.CreateAsync(Bytes(10));
            await other.PrepareAsync(run.Cancellation);
            await run.RequireListedAsync("", new CheckpointObject(Name, 10));
        });
        yield return new("The store describes its place", static run =>
        {
            run.Require(!string.IsNullOrWhiteSpace(run.Store.Description), "Description is empty");
            return Task.CompletedTask;
        });
        yield return new("An object comes back as it was created, as a whole and in ranges", static async run =>
        {
            byte[] bytes = Bytes(100_000);
            await run.CreateAsync(bytes);
            await run.RequireObjectAsync(bytes);
            foreach ((int offset, int length) in new[] { (0, 1), (1, 1), (99_999, 1), (65_535, 2), (50_000, 50_000), (17, 77_777) })
            {
                byte[] read = await run.ReadAsync(offset, length);
                run.Require(
                    read.AsSpan().SequenceEqual(bytes.AsSpan(offset, length)), $"{length} bytes from {offset} on are others than written");
            }
        });
        yield return new("Content comes in segments of any lengths", static async run =>
        {
            byte[] bytes = Bytes(300_000);
            await run.Store.CreateAsync(Name, Segments.Of(bytes, 1, 0, 65_536, 3, 100_000, 0), run.Cancellation);
            await run.RequireObjectAsync(bytes);
            await run.Store.CreateAsync(Name, Segments.Of(bytes, 7, 200_000), run.Cancellation);
        });
        yield return new("An object without bytes is an object", static async run =>
        {
            await run.Store.CreateAsync(Name, ReadOnlySequence<byte>.Empty, run.Cancellation);
            await run.RequireListedAsync("", new CheckpointObject(Name, 0));
            await run.RequireObjectAsync(default);
            await run.Store.CreateAsync(Name, ReadOnlySequence<byte>.Empty, run.Cancellation);
            await run.RequireConflictAsync(Bytes(1));
            await run.RequireObjectAsync(default);
        });
        yield return new("A large object comes back, in ranges too", static async run =>
        {
            byte[] bytes = Bytes(run.LargeObjectBytes);
            int third = bytes.Length / 3;
            await run.Store.CreateAsync(Name, Segments.Of(bytes, third, 1), run.Cancellation);
            await run.RequireListedAsync("", new CheckpointObject(Name, bytes.Length));
            byte[] read = await run.ReadAsync(third, third + 1);
            run.Require(read.AsSpan().SequenceEqual(bytes.AsSpan(third, third + 1)), "the second third is another than written");
            await run.RequireObjectAsync(bytes);
        });
        yield return new("The same bytes again succeed, from another store too", static async run =>
        {
            byte[] bytes = Bytes(5_000);
            await run.CreateAsync(bytes);
            await run.CreateAsync(bytes);
            await run.CreateAsync(bytes, store: run.Open());
            await run.RequireObjectAsync(bytes);
            await run.RequireListedAsync("", new CheckpointObject(Name, 5_000));
        });
        yield return new("Other bytes under the same name are refused, and the object stays", static async run =>
        {
            byte[] bytes = Bytes(5_000);
            await run.CreateAsync(bytes);
            byte[] lastDiffers = [.. bytes];
            lastDiffers[^1] ^= 1;
            foreach (byte[] other in new[] { lastDiffers, bytes[..^1], [.. bytes, 0], [] })
            {
                await run.RequireConflictAsync(other);
                await run.RequireConflictAsync(other, run.Open());
            }

            await run.RequireObjectAsync(bytes);
            await run.RequireListedAsync("", new CheckpointObject(Name, 5_000));
        });
        yield return new("A large object is repeated with the same bytes, and refused with others", static async run =>
        {
            byte[] bytes = Bytes(run.LargeObjectBytes);
            await run.CreateAsync(bytes);
            await run.CreateAsync(bytes);
            byte[] other = [.. bytes];
            other[bytes.Length / 2] ^= 1;
            await run.RequireConflictAsync(other);
            await run.RequireConflictAsync(bytes.AsMemory(1));
            await run.RequireConflictAsync(bytes.AsMemory(0, 100));
            await run.RequireObjectAsync(bytes);
        });
        yield return new("An object that is not there is reported as missing", static async run =>
        {
            await run.RequireMissingAsync();
            await run.RequireThrowsAsync<CheckpointObjectMissingException>(() => run.ReadAsync(0, 0), "a read of nothing");
            await run.CreateAsync(Bytes(10), "orders/1/2");
            await run.RequireMissingAsync("orders/1/3");
            await run.RequireMissingAsync("orders/1");
            await run.RequireMissingAsync("orders/1/22");
            await run.RequireMissingAsync("orders/1/2/3");
        });
        yield return new("A read beyond the end names both lengths", static async run =>
        {
            await run.CreateAsync(Bytes(1_234));
            (long, int)[] ranges = [(0L, 1_235), (1_233L, 2), (1_234L, 1), (1_235L, 0), (100_000L, 7), (1L << 40, 1)];
            foreach ((long offset, int length) in ranges)
            {
                try
                {
                    await run.ReadAsync(offset, length);
                    run.Require(false, $"a read of {length} bytes from {offset} on, in an object of 1234, succeeded");
                }
                catch (CheckpointObjectTooShortException exception)
                {
                    run.Require(
                        exception.Length == 1_234 && exception.NeededLength == offset + length,
                        $"a read of {length} bytes from {offset} on, in an object of 1234, says {exception.Length} and "
                            + $"{exception.NeededLength}");
                    run.Require(
                        exception.Message.Contains("1234", StringComparison.Ordinal)
                            && exception.Message.Contains($"{offset + length}", StringComparison.Ordinal),
                        $"the message does not name both lengths: {exception.Message}");
                }
            }

            run.Require((await run.ReadAsync(1_234, 0)).Length == 0, "a read of nothing at the end failed");
            await run.RequireThrowsAsync<ArgumentOutOfRangeException>(() => run.ReadAsync(-1, 1), "a read at offset -1");
        });
        yield return new("A deleted object is gone, and its name is free", static async run =>
        {
            await run.CreateAsync(Bytes(10, 1));
            await run.CreateAsync(Bytes(10, 2), Name + "8");
            await run.Store.DeleteAsync(Name, run.Cancellation);
            await run.RequireMissingAsync();
            await run.RequireListedAsync("", new CheckpointObject(Name + "8", 10));
            await run.CreateAsync(Bytes(12, 3));
            await run.RequireObjectAsync(Bytes(12, 3));
            await run.RequireObjectAsync(Bytes(10, 2), Name + "8");
        });
        yield return new("Where there is no object, a deletion succeeds", static async run =>
        {
            await run.Store.DeleteAsync(Name, run.Cancellation);
            await run.CreateAsync(Bytes(10));
            await run.Store.DeleteAsync(Name, run.Cancellation);
            await run.Store.DeleteAsync(Name, run.Cancellation);
            await run.RequireListedAsync("");
        });
        yield return new("Names that break the rules are refused by every call", static async run =>
        {
            foreach (string? name in s_badNames.Append(null))
            {
                string shown = name is null ? "null" : $"'{name}'";
                await run.RequireThrowsAsync<ArgumentException>(() => run.CreateAsync(Bytes(1), name!), $"the creation of {shown}");
                await run.RequireThrowsAsync<ArgumentException>(() => run.ReadAsync(0, 1, name!), $"a read of {shown}");
                await run.RequireThrowsAsync<ArgumentException>(
                    () => run.Store.DeleteAsync(name!, run.Cancellation), $"the deletion of {shown}");
            }

            await run.RequireListedAsync("");
        });
        yield return new("Names of every allowed kind are apart", static async run =>
        {
            string[] names =
            [
                "a", "0", "-", "_", "!", "--/--", "!2E!2E/_", "a.b..c", "a-b_c!d.e", new string('a', CheckpointName.MaxPartLength),
                LongName(CheckpointName.MaxLength), CheckpointName.Escape("Bücher / 1"), "orders/1", "orders/10", "orders1",
            ];
            for (int i = 0; i < names.Length; i++)
            {
                await run.CreateAsync(Bytes(20, i), names[i]);
            }

            for (int i = 0; i < names.Length; i++)
            {
                await run.RequireObjectAsync(Bytes(20, i), names[i]);
            }

            await run.RequireListedAsync("", names.Select(static name => new CheckpointObject(name, 20)));
        });
        yield return new("Names that differ in case only are apart, or the second is refused", static async run =>
        {
            await run.CreateAsync(Bytes(20, 1), "orders/aB");
            try
            {
                await run.CreateAsync(Bytes(20, 2), "orders/Ab");
                await run.RequireObjectAsync(Bytes(20, 2), "orders/Ab");
            }
            catch (CheckpointStoreException)
            {
                // a disk that does not tell them apart
            }

            await run.RequireObjectAsync(Bytes(20, 1), "orders/aB");
        });
        yield return new("A call whose caller has given up does nothing", static async run =>
        {
            await run.CreateAsync(Bytes(10));
            var cancelled = new CancellationToken(canceled: true);
            await run.RequireCancelledAsync(() => run.Store.CreateAsync("orders/2", Segments.Of(Bytes(10)), cancelled), "a creation");
            await run.RequireCancelledAsync(() => run.Store.ReadAsync(Name, 0, new byte[10], cancelled), "a read");
            await run.RequireCancelledAsync(() => run.Store.DeleteAsync(Name, cancelled), "a deletion");
            await run.RequireCancelledAsync(() => run.Store.PrepareAsync(cancelled), "a preparation");
            await run.RequireCancelledAsync(
                async () => await run.Store.ListAsync("", cancelled).GetAsyncEnumerator(CancellationToken.None).MoveNextAsync(),
                "a listing");
            await run.RequireListedAsync("", new CheckpointObject(Name, 10));
        });
        yield return new("A creation that is cancelled while its bytes are read leaves all or nothing", static async run =>
        {
            byte[] bytes = Bytes(run.LargeObjectBytes);
            int half = bytes.Length / 2;
            using var gaveUp = CancellationTokenSource.CreateLinkedTokenSource(run.Cancellation);
            bool isOver = false;
            bool isLate = false;
            using var watched = new WatchedMemory(bytes[half..], () =>
            {
                isLate |= Volatile.Read(ref isOver);
                gaveUp.Cancel();
            });
            ReadOnlySequence<byte> content = Segments.Of([bytes.AsMemory(0, half), watched.Memory]);
            try
            {
                await run.Store.CreateAsync(Name, content, gaveUp.Token);
                await run.RequireObjectAsync(bytes);
            }
            catch (OperationCanceledException)
            {
                Volatile.Write(ref isOver, true);
                List<CheckpointObject> listed = await run.ListAsync();
                run.Require(
                    listed is [] || listed is [{ Name: Name }] && listed[0].Length == bytes.Length,
                    $"it left [{string.Join(", ", listed)}]");
            }

            await run.CreateAsync(bytes);
            await run.RequireObjectAsync(bytes);
            run.Require(!isLate, "it looked at the caller's bytes after its task had ended");
        });
    }

    public static Task RequireConflictAsync(this CheckpointStoreRun run, ReadOnlyMemory<byte> content, ICheckpointStore? store = null) =>
        run.RequireThrowsAsync<CheckpointObjectConflictException>(
            () => run.CreateAsync(content, store: store), $"the creation with {content.Length} other bytes");

    private static string LongName(int length)
    {
        string part = new string('b', 99) + "/";
        string name = string.Concat(Enumerable.Repeat(part, (length / 100) + 1))[..length];
        return name[^1] == '/' ? name[..^1] + "b" : name;
    }
}
