using System.Buffers;
using FastConsumer.Checkpoints;
using FastConsumer.Testing.Checkpoints;

namespace FastConsumer.Testing.Tests.Checkpoints;

/// <summary>What an author of a store may get wrong.</summary>
public enum Mistake
{
    Overwrites,
    IgnoresOtherBytes,
    RefusesRepetition,
    ComparesLengthOnly,
    ReadsShort,
    ReadsFromStart,
    SaysNothingOfMissing,
    DeletesByPrefix,
    DeletionNeedsObject,
    ListsFirstPageOnly,
    ListsFolders,
    ListsProbe,
    LooksThenWrites,
    IgnoresCase,
    TakesAnyName,
    CreatesForWhoGaveUp,
    WritesInTwoSteps,
}

/// <summary>A store with one mistake.</summary>
internal sealed class MistakenCheckpointStore(InMemoryCheckpointDatabase database, Mistake mistake) : InMemoryCheckpointStore(database)
{
    private readonly InMemoryCheckpointDatabase _database = database;

    public override Task PrepareAsync(CancellationToken cancellationToken)
    {
        if (mistake == Mistake.ListsProbe)
        {
            _database.Put("probe", "probe"u8);
        }

        return base.PrepareAsync(cancellationToken);
    }

    public override async Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        bool isThere = name is not null && _database.Snapshot().ContainsKey(name);
        switch (mistake)
        {
            case Mistake.Overwrites:
                CheckpointName.ThrowIfInvalid(name!);
                cancellationToken.ThrowIfCancellationRequested();
                _database.Put(name!, content.ToArray());
                return;
            case Mistake.IgnoresOtherBytes when isThere:
                return;
            case Mistake.RefusesRepetition when isThere:
                throw new CheckpointObjectConflictException(name!, Description);
            case Mistake.ComparesLengthOnly when isThere && _database.Snapshot()[name!].Length == content.Length:
                return;
            case Mistake.LooksThenWrites when !isThere:
                CheckpointName.ThrowIfInvalid(name!);
                await Task.Yield();
                await Task.Delay(1, CancellationToken.None);
                cancellationToken.ThrowIfCancellationRequested();
                _database.Put(name!, content.ToArray());
                return;
            case Mistake.TakesAnyName when name is not null && !CheckpointName.IsValid(name):
                _database.Put(name, content.ToArray());
                return;
            case Mistake.CreatesForWhoGaveUp:
                await base.CreateAsync(name!, content, CancellationToken.None);
                cancellationToken.ThrowIfCancellationRequested();
                return;
            case Mistake.WritesInTwoSteps when !isThere && CheckpointName.IsValid(name) && content.Length > 1_000_000:
                _database.Put(name!, content.Slice(0, content.Length / 2).ToArray());
                await Task.Delay(2, CancellationToken.None);
                _database.Put(name!, content.ToArray());
                return;
        }

        await base.CreateAsync(mistake == Mistake.IgnoresCase ? Lower(name!) : name!, content, cancellationToken);
    }

    public override async Task ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        try
        {
            await base.ReadAsync(
                mistake == Mistake.IgnoresCase ? Lower(name) : name,
                mistake == Mistake.ReadsFromStart ? 0 : offset,
                destination,
                cancellationToken);
        }
        catch (CheckpointObjectTooShortException) when (mistake == Mistake.ReadsShort)
        {
            destination.Span.Clear();
        }
        catch (CheckpointObjectMissingException) when (mistake == Mistake.SaysNothingOfMissing)
        {
            destination.Span.Clear();
        }
    }

    public override async IAsyncEnumerable<CheckpointObject> ListAsync(
        string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        int listed = 0;
        await foreach (CheckpointObject one in base.ListAsync(prefix, cancellationToken))
        {
            bool isLeftOut = mistake switch
            {
                Mistake.ListsFirstPageOnly => ++listed > 1_000,
                Mistake.ListsFolders => prefix.Length > 0 && !one.Name.StartsWith(prefix.TrimEnd('/') + "/", StringComparison.Ordinal),
                _ => false,
            };
            if (!isLeftOut)
            {
                yield return one;
            }
        }
    }

    public override Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        if (mistake == Mistake.DeletionNeedsObject && CheckpointName.IsValid(name) && !_database.Snapshot().ContainsKey(name))
        {
            throw new CheckpointObjectMissingException(name, Description);
        }

        if (mistake == Mistake.DeletesByPrefix && CheckpointName.IsValid(name))
        {
            foreach (string one in _database.Snapshot().Keys.Where(one => one.StartsWith(name, StringComparison.Ordinal)))
            {
                _database.Delete(one);
            }
        }

        return base.DeleteAsync(name, cancellationToken);
    }

    // folders keep their case, so that few cases see it
    private static string Lower(string name) => name is null ? name! : name.Replace("Ab", "aB", StringComparison.Ordinal);
}
