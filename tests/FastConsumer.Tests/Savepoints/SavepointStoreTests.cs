using System.Buffers;
using System.Text.Json.Serialization;
using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Operators;
using FastConsumer.Processors;
using FastConsumer.Savepoints;
using FastConsumer.Testing.Checkpoints;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Tests.Savepoints;

/// <summary>Savepoints beside faults of store and table, and beside others who make them.</summary>
public sealed partial class SavepointStoreTests
{
    private const string Application = "orders";
    private const int Keys = 100;

    private static readonly JsonStateSerializer<int> s_numbers = new(NumbersJson.Default.Int32);

    private readonly InMemoryCheckpointStore _checkpoints = new();
    private readonly InMemoryLeaseDatabase _database = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("before 2.0")]
    [InlineData("a/b")]
    [InlineData("../..")]
    [InlineData(".")]
    [InlineData("Ünï")]
    [InlineData("v1.2.3")]
    [InlineData("!2E")]
    [InlineData("....................................................................................................")]
    public async Task A_name_may_be_any_text_and_is_nobody_elses(string name)
    {
        SavepointStore savepoints = Savepoints();
        await savepoints.WriteAsync(name, Writer(), Cancellation);
        string other = $"{name[..^1]}x";
        await savepoints.WriteAsync(other, Writer(), Cancellation);
        await Savepoints(seed: 2, application: "payments").WriteAsync(name, Writer(), Cancellation);

        Assert.Equal(name, (await savepoints.FindAsync(name, Cancellation))?.Name);
        Assert.Equal(
            new[] { name, other }.Order(StringComparer.Ordinal),
            (await savepoints.ListAsync(Cancellation)).Select(static savepoint => savepoint.Name));
        Assert.Equal(Keys, await CountAsync(savepoints, name));
        Assert.Equal(2, await savepoints.DeleteAsync(name, Cancellation));
        Assert.Equal(0, await savepoints.DeleteAsync(name, Cancellation));
        Assert.Equal(Keys, await CountAsync(savepoints, other));
    }

    [Fact]
    public async Task A_restore_that_is_broken_off_leaves_a_mark_and_is_repeated()
    {
        SavepointStore savepoints = await BegunAsync(shards: 4);
        Savepoint savepoint = await savepoints.CreateAsync("one", Leases(), cancellationToken: Cancellation);
        string? before = Assert.Single((await RowsAsync()).Select(static row => row.TableLineage).Distinct());
        var faulty = new FaultyLeases(Leases())
        {
            // a worker has one of them
            Refuses = static key => key == "shardId-000000000002",
        };

        SavepointException broken = await Assert.ThrowsAsync<SavepointException>(
            () => savepoints.RestoreAsync(savepoint, Target(faulty) with { ReplacesLeases = true }, cancellationToken: Cancellation));

        Assert.Contains("shardId-000000000002", broken.Message, StringComparison.Ordinal);
        Assert.Contains("repeat it", broken.Message, StringComparison.Ordinal);
        Assert.Contains("'one'", (await RowsAsync()).Single(static row => row.LeaseKey == Lease.Names.RestoreKey).StreamName!,
            StringComparison.Ordinal);
        SavepointException mixed = await Assert.ThrowsAsync<SavepointException>(
            () => savepoints.CreateAsync("two", Leases(), cancellationToken: Cancellation));
        Assert.Contains("being restored", mixed.Message, StringComparison.Ordinal);
        // a repetition that finds a worker leaves the mark of the first one
        var late = new FaultyLeases(Leases())
        {
            BeforeCreation = async table =>
            {
                Lease row = (await table.GetManyAsync(["shardId-000000000003"], ReadConsistency.Strong, Cancellation))[0];
                await table.WriteAsync(
                    [
                        new LeaseWrite
                        {
                            LeaseKey = row.LeaseKey,
                            If = new Dictionary<string, Lease.Value?>(),
                            Set = new Dictionary<string, Lease.Value> { [Lease.Names.LeaseCounter] = row.LeaseCounter + 1 },
                        },
                    ],
                    Cancellation);
            },
        };
        await Assert.ThrowsAsync<SavepointException>(
            () => savepoints.RestoreAsync(savepoint, Target(late), cancellationToken: Cancellation));
        Assert.Contains(await RowsAsync(), static row => row.LeaseKey == Lease.Names.RestoreKey);
        // what the mark stands for has said already that the rows are replaced
        await savepoints.RestoreAsync(savepoint, Target(Leases()), cancellationToken: Cancellation);
        Assert.Equal(4, (await RowsAsync()).Count);
        string? after = Assert.Single((await RowsAsync()).Select(static row => row.TableLineage).Distinct());
        Assert.NotEqual(before, after);
        Assert.Equal(Keys, await CountAsync(savepoints, (await savepoints.CreateAsync(
            "three", Leases(), cancellationToken: Cancellation)).Name));
    }

    [Fact]
    public async Task Writes_whose_answers_are_lost_are_made_once()
    {
        SavepointStore savepoints = await BegunAsync(shards: 3);
        Savepoint savepoint = await savepoints.CreateAsync("one", Leases(), cancellationToken: Cancellation);
        Lease extra = (await RowsAsync())[0] with { LeaseKey = "shardId-000000000009", Inherits = [] };
        await Leases().CreateAsync(extra, Cancellation);
        var faulty = new FaultyLeases(Leases()) { LosesAnswers = true };

        await savepoints.RestoreAsync(savepoint, Target(faulty) with { ReplacesLeases = true }, cancellationToken: Cancellation);

        IReadOnlyList<Lease> rows = await RowsAsync();
        Assert.Equal(3, rows.Count);
        Assert.All(rows, static row => Assert.Equal(2, row.LeaseCounter));
    }

    [Fact]
    public async Task A_description_whose_answer_is_lost_is_there_with_its_copies()
    {
        SavepointStore savepoints = await BegunAsync(shards: 1);
        // the copy is the first object, and the description the second
        var store = new LosingStore(_checkpoints) { LosesAnswersOf = static name => name.EndsWith("/savepoint", StringComparison.Ordinal) };
        await new SavepointStore(store, Application, new Random(5)).CreateAsync("one", Leases(), cancellationToken: Cancellation);

        Assert.Equal(Keys, await CountAsync(savepoints, "one"));
        Assert.Contains("already", (await Assert.ThrowsAsync<SavepointException>(
            () => savepoints.CreateAsync("one", Leases(), cancellationToken: Cancellation))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_two_that_make_one_of_the_same_name_one_is_told_so_and_leaves_nothing()
    {
        SavepointStore savepoints = await BegunAsync(shards: 2);
        var late = new LosingStore(_checkpoints)
        {
            Before = async name =>
            {
                if (name.EndsWith("/savepoint", StringComparison.Ordinal))
                {
                    await savepoints.CreateAsync("one", Leases(), cancellationToken: Cancellation);
                }
            },
        };

        await Assert.ThrowsAsync<SavepointException>(() => new SavepointStore(late, Application, new Random(5)).CreateAsync(
            "one", Leases(), cancellationToken: Cancellation));

        Assert.Equal(Keys, await CountAsync(savepoints, "one"));
        // a copy of what both shards begin with, and the description
        Assert.Equal(2, (await savepoints.ListObjectsAsync("one", Cancellation)).Count);
    }

    [Fact]
    public async Task A_worker_that_begins_in_the_midst_of_a_restore_is_told_of()
    {
        SavepointStore savepoints = await BegunAsync(shards: 2);
        Savepoint savepoint = await savepoints.CreateAsync("one", Leases(), cancellationToken: Cancellation);
        var late = new FaultyLeases(Leases())
        {
            // its creation was under way when the restore began
            BeforeCreation = table => table.CreateAsync(
                new Lease { LeaseKey = "shardId-000000000007", Checkpoint = CheckpointPosition.Latest }, Cancellation),
        };
        SavepointException told = await Assert.ThrowsAsync<SavepointException>(
            () => savepoints.RestoreAsync(savepoint, Target(late) with { ReplacesLeases = true }, cancellationToken: Cancellation));
        Assert.Contains("Nothing was changed", told.Message, StringComparison.Ordinal);
        Assert.Equal(3, (await RowsAsync()).Count);
    }

    [Fact]
    public async Task One_that_is_deleted_while_it_is_made_is_not_there()
    {
        SavepointStore savepoints = await BegunAsync(shards: 2);
        var store = new LosingStore(_checkpoints)
        {
            Before = async name =>
            {
                if (name.EndsWith("/savepoint", StringComparison.Ordinal))
                {
                    Assert.Equal(1, await savepoints.DeleteAsync("one", Cancellation));
                }
            },
        };
        SavepointException told = await Assert.ThrowsAsync<SavepointException>(
            () => new SavepointStore(store, Application, new Random(5)).CreateAsync("one", Leases(), cancellationToken: Cancellation));
        Assert.Contains("deleted", told.Message, StringComparison.Ordinal);
        Assert.Empty(await savepoints.ListObjectsAsync("one", Cancellation));
    }

    [Fact]
    public async Task A_description_that_was_made_and_then_refused_keeps_its_copies()
    {
        SavepointStore savepoints = await BegunAsync(shards: 1);
        int writes = 0;
        var store = new LosingStore(_checkpoints)
        {
            LosesAnswersOf = static name => name.EndsWith("/savepoint", StringComparison.Ordinal),
            Before = name => name.EndsWith("/savepoint", StringComparison.Ordinal) && ++writes == 2
                ? throw new CheckpointStoreException("No usable credentials.", isTransient: false)
                : Task.CompletedTask,
        };
        await Assert.ThrowsAsync<CheckpointStoreException>(
            () => new SavepointStore(store, Application, new Random(5)).CreateAsync("one", Leases(), cancellationToken: Cancellation));
        Assert.Equal(Keys, await CountAsync(savepoints, "one"));
    }

    [Fact]
    public async Task One_that_cannot_be_read_hides_no_other_and_can_be_deleted()
    {
        SavepointStore savepoints = await BegunAsync(shards: 2);
        await savepoints.CreateAsync("whole", Leases(), cancellationToken: Cancellation);
        await savepoints.CreateAsync("cut", Leases(), cancellationToken: Cancellation);
        string gone = (await savepoints.ListObjectsAsync("cut", Cancellation))
            .First(static one => one.Name.Contains("/seg/", StringComparison.Ordinal)).Name;
        await _checkpoints.DeleteAsync(gone, Cancellation);
        await _checkpoints.CreateAsync(
            $"{Application}/savepoints/later/savepoint",
            new ReadOnlySequence<byte>("""{"format":2,"isNew":true}"""u8.ToArray()),
            Cancellation);

        (IReadOnlyList<Savepoint> found, IReadOnlyList<string> problems) = await savepoints.ListAllAsync(Cancellation);
        Assert.Equal(["whole", "written"], found.Select(static savepoint => savepoint.Name));
        Assert.Equal(2, problems.Count);
        Assert.Contains(problems, problem => problem.Contains(gone, StringComparison.Ordinal));
        Assert.Contains(problems, static problem => problem.Contains("format 2", StringComparison.Ordinal));
        Assert.Contains("format 2", (await Assert.ThrowsAsync<InvalidDataException>(
            () => savepoints.ListAsync(Cancellation))).Message, StringComparison.Ordinal);
        await savepoints.DeleteAsync("cut", Cancellation);
        await savepoints.DeleteAsync("later", Cancellation);
        Assert.Equal(2, (await savepoints.ListAsync(Cancellation)).Count);
    }

    [Fact]
    public async Task A_pause_of_all_holds_for_shards_that_the_restore_brings_back()
    {
        SavepointStore savepoints = await BegunAsync(shards: 2);
        Savepoint savepoint = await savepoints.CreateAsync("one", Leases(), cancellationToken: Cancellation);
        string pause = OperatorNotes.Write(new ShardPause { By = "ann", At = DateTimeOffset.UnixEpoch, IsOfAll = true });
        Lease[] rows = [.. await RowsAsync()];
        await Leases().DeleteAsync(rows[0], Cancellation);
        await Leases().WriteAsync(
            [
                new LeaseWrite
                {
                    LeaseKey = rows[1].LeaseKey,
                    If = new Dictionary<string, Lease.Value?>(),
                    Set = new Dictionary<string, Lease.Value> { [Lease.Names.Paused] = pause },
                },
            ],
            Cancellation);
        await savepoints.RestoreAsync(savepoint, Target(Leases()) with { ReplacesLeases = true }, cancellationToken: Cancellation);
        Assert.All(await RowsAsync(), row => Assert.Equal(pause, row.Paused));
    }

    [Fact]
    public async Task A_failure_leaves_no_savepoint()
    {
        SavepointStore savepoints = await BegunAsync(shards: 2);
        _checkpoints.Deny(CheckpointOperation.Create);
        await Assert.ThrowsAsync<CheckpointStoreException>(
            () => savepoints.CreateAsync("one", Leases(), cancellationToken: Cancellation));
        _checkpoints.ClearFaults();
        Assert.Null(await savepoints.FindAsync("one", Cancellation));
        Assert.Empty(await savepoints.ListObjectsAsync("one", Cancellation));
    }

    [Fact]
    public async Task What_is_refused_is_refused_in_words()
    {
        SavepointStore savepoints = Savepoints();
        await RefusedAsync("no lease", () => savepoints.CreateAsync("one", Leases(), cancellationToken: Cancellation));
        await RefusedAsync("no entry", () => savepoints.WriteAsync("one", new SnapshotWriter("Counts"), Cancellation));
        await BegunAsync(shards: 2);
        Savepoint written = (await savepoints.FindAsync("written", Cancellation))!;
        await RefusedAsync("no positions", () => savepoints.RestoreAsync(
            written, Target(Leases()) with { ReplacesLeases = true }, cancellationToken: Cancellation));
        await RefusedAsync("Try again in a minute", () => savepoints.RestoreAsync(
            written,
            Target(Leases()) with
            {
                ReplacesLeases = true,
                Layout = Layout(2) with { Shards = [.. Layout(2).Shards.Take(1)] },
            },
            cancellationToken: Cancellation));
        await RefusedAsync("2 leases", () => savepoints.RestoreAsync(
            written, Target(Leases()) with { Layout = Layout(2) }, cancellationToken: Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => savepoints.FindAsync(new string('x', 101), Cancellation));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SnapshotWriter("Counts", 0));

        static async Task RefusedAsync(string said, Func<Task> act) =>
            Assert.Contains(said, (await Assert.ThrowsAsync<SavepointException>(act)).Message, StringComparison.Ordinal);
    }

    private SavepointStore Savepoints(int seed = 1, string application = Application) =>
        new(_checkpoints, application, new Random(seed));

    private InMemoryLeaseStore Leases() => new(_database, Application);

    private Task<IReadOnlyList<Lease>> RowsAsync() => Leases().ListAsync(ReadConsistency.Strong, Cancellation);

    /// <summary>An application whose shards begin with a state.</summary>
    private async Task<SavepointStore> BegunAsync(int shards)
    {
        SavepointStore savepoints = Savepoints();
        Savepoint written = await savepoints.WriteAsync("written", Writer(), Cancellation);
        await savepoints.RestoreAsync(
            written, Target(Leases()) with { Layout = Layout(shards) }, cancellationToken: Cancellation);
        return savepoints;
    }

    private static SnapshotWriter Writer()
    {
        var writer = new SnapshotWriter("Counts");
        for (int i = 0; i < Keys; i++)
        {
            writer.Set("counts", $"key-{i}", i, s_numbers);
        }

        return writer;
    }

    private static SavepointTarget Target(ILeaseStore leases) => new()
    {
        ApplicationName = Application,
        Leases = leases,
        TableName = Application,
        By = "a test",
    };

    private static SavepointLayout Layout(int shards)
    {
        UInt128 width = UInt128.MaxValue / (UInt128)shards;
        return new SavepointLayout
        {
            StreamArn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
            StreamCreatedAt = DateTimeOffset.UnixEpoch,
            Shards = [.. Enumerable.Range(0, shards).Select(i => new Shard
            {
                ShardId = $"shardId-{i:d12}",
                HashKeyRange = new HashKeyRange(
                    width * (UInt128)i, i == shards - 1 ? UInt128.MaxValue : (width * (UInt128)(i + 1)) - UInt128.One),
                StartingSequenceNumber = SequenceNumber.Parse("1"),
            })],
            Start = CheckpointPosition.TrimHorizon,
            StartedAt = DateTimeOffset.UnixEpoch,
        };
    }

    /// <summary>How many different keys a savepoint has.</summary>
    private static async Task<int> CountAsync(SavepointStore savepoints, string name)
    {
        HashSet<string> keys = [];
        Savepoint savepoint = (await savepoints.FindAsync(name, Cancellation))!;
        await foreach (StoredState entry in savepoints.ReadStateAsync(savepoint, Cancellation))
        {
            Assert.True(keys.Add(entry.PartitionKey), $"{entry.PartitionKey} is there twice.");
        }

        return keys.Count;
    }

    [JsonSerializable(typeof(int))]
    private sealed partial class NumbersJson : JsonSerializerContext;

    /// <summary>A table that refuses some writes, or loses the answers to all of them.</summary>
    private sealed class FaultyLeases(ILeaseStore table) : ILeaseStore
    {
        private readonly HashSet<string> _lost = [];

        public Func<string, bool> Refuses { get; init; } = static _ => false;

        public bool LosesAnswers { get; init; }

        public Func<ILeaseStore, Task> BeforeCreation { get; init; } = static _ => Task.CompletedTask;

        public string Description => table.Description;

        public Task PrepareAsync(CancellationToken cancellationToken) => table.PrepareAsync(cancellationToken);

        public Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken) =>
            table.ListAsync(consistency, cancellationToken);

        public Task<IReadOnlyList<Lease>> GetManyAsync(
            IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken) =>
            table.GetManyAsync(leaseKeys, consistency, cancellationToken);

        public async Task<LeaseWrite.Result> CreateAsync(Lease lease, CancellationToken cancellationToken)
        {
            await BeforeCreation(table);
            return Answer(lease.LeaseKey, await table.CreateAsync(lease, cancellationToken));
        }

        public async Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(
            IReadOnlyList<LeaseWrite> writes, CancellationToken cancellationToken)
        {
            List<LeaseWrite.Result> results = [];
            foreach (LeaseWrite write in writes)
            {
                results.Add(Refuses(write.LeaseKey)
                    ? new LeaseWrite.Result(
                        LeaseWrite.Outcome.NotWritten, Error: new LeaseStoreException("It is another's.", isTransient: false))
                    : Answer(write.LeaseKey, (await table.WriteAsync([write], cancellationToken))[0]));
            }

            return results;
        }

        public async Task<LeaseWrite.Result> DeleteAsync(Lease observed, CancellationToken cancellationToken) =>
            Answer(observed.LeaseKey, await table.DeleteAsync(observed, cancellationToken));

        public ValueTask DisposeAsync() => table.DisposeAsync();

        private LeaseWrite.Result Answer(string key, LeaseWrite.Result result) => LosesAnswers && _lost.Add(key)
            ? new LeaseWrite.Result(
                LeaseWrite.Outcome.Unknown, Error: new LeaseStoreException("There was no answer.", isTransient: true))
            : result;
    }

    /// <summary>A store that loses answers to creations, or lets something else happen before them.</summary>
    private sealed class LosingStore(ICheckpointStore store) : ICheckpointStore
    {
        private readonly HashSet<string> _lost = [];

        public Func<string, bool> LosesAnswersOf { get; init; } = static _ => false;

        public Func<string, Task> Before { get; init; } = static _ => Task.CompletedTask;

        public string Description => store.Description;

        public Task PrepareAsync(CancellationToken cancellationToken) => store.PrepareAsync(cancellationToken);

        public async Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
        {
            await Before(name);
            await store.CreateAsync(name, content, cancellationToken);
            if (LosesAnswersOf(name) && _lost.Add(name))
            {
                throw new CheckpointStoreException("There was no answer.", isTransient: true);
            }
        }

        public Task ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
            store.ReadAsync(name, offset, destination, cancellationToken);

        public IAsyncEnumerable<CheckpointObject> ListAsync(string prefix, CancellationToken cancellationToken) =>
            store.ListAsync(prefix, cancellationToken);

        public Task DeleteAsync(string name, CancellationToken cancellationToken) => store.DeleteAsync(name, cancellationToken);
    }
}
