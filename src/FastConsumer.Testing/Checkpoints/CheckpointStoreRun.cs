using System.Buffers;
using FastConsumer.Checkpoints;

namespace FastConsumer.Testing.Checkpoints;

/// <summary>One run of one case: the store, and what is asked of it.</summary>
internal sealed class CheckpointStoreRun(string name, CheckpointStoreUnderTest place, CancellationToken cancellationToken)
    : ConformanceRun(name), IAsyncDisposable
{
    public const string Name = "orders/AbCdEfGhIjk/seg/LmNoPqRsTuv/17";

    private readonly List<ICheckpointStore> _others = [];

    public ICheckpointStore Store { get; } = place.Open();

    public CancellationToken Cancellation => cancellationToken;

    public int LargeObjectBytes => place.LargeObjectBytes;

    protected override string Described => Store.Description;

    /// <summary>Another store on the place, which lives as long as the run.</summary>
    public ICheckpointStore Open()
    {
        ICheckpointStore store = place.Open();
        _others.Add(store);
        return store;
    }

    /// <summary>Bytes that do not repeat soon, and differ from seed to seed.</summary>
    public static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public Task CreateAsync(ReadOnlyMemory<byte> content, string objectName = Name, ICheckpointStore? store = null) =>
        (store ?? Store).CreateAsync(objectName, new ReadOnlySequence<byte>(content), cancellationToken);

    /// <summary>A range of an object; more memory around it must stay as it was.</summary>
    public async Task<byte[]> ReadAsync(long offset, int length, string objectName = Name, ICheckpointStore? store = null)
    {
        byte[] memory = new byte[length + 2];
        memory.AsSpan().Fill(0xA5);
        await (store ?? Store).ReadAsync(objectName, offset, memory.AsMemory(1, length), cancellationToken);
        Require(memory[0] == 0xA5 && memory[^1] == 0xA5, $"a read of {length} bytes wrote outside of the memory that it was given");
        return memory[1..^1];
    }

    public async Task RequireObjectAsync(ReadOnlyMemory<byte> content, string objectName = Name, ICheckpointStore? store = null)
    {
        byte[] read = await ReadAsync(0, content.Length, objectName, store);
        int same = read.AsSpan().CommonPrefixLength(content.Span);
        Require(same == content.Length, $"'{objectName}' differs from what was written, from byte {same} on");
        await RequireThrowsAsync<CheckpointObjectTooShortException>(
            () => ReadAsync(0, content.Length + 1, objectName, store), $"a read of one byte more than '{objectName}' has");
    }

    public Task RequireMissingAsync(string objectName = Name) =>
        RequireThrowsAsync<CheckpointObjectMissingException>(() => ReadAsync(0, 1, objectName), $"a read of '{objectName}'");

    public async Task<List<CheckpointObject>> ListAsync(string prefix = "", ICheckpointStore? store = null)
    {
        List<CheckpointObject> found = [];
        await foreach (CheckpointObject one in (store ?? Store).ListAsync(prefix, cancellationToken))
        {
            found.Add(one);
        }

        return found;
    }

    public async Task RequireListedAsync(string prefix, params IEnumerable<CheckpointObject> objects)
    {
        string found = Text(await ListAsync(prefix));
        string expected = Text(objects);
        Require(found == expected, $"the listing of '{prefix}' is [{found}], where [{expected}] is expected");

        static string Text(IEnumerable<CheckpointObject> objects) => string.Join(
            ", ", objects.OrderBy(static one => one.Name, StringComparer.Ordinal).Select(static one => $"{one.Name}: {one.Length}"));
    }

    /// <summary>What the store threw where the case expects no exception.</summary>
    public CheckpointStoreConformanceException Unexpected(CheckpointStoreException exception) => new(
        $"{Described} does not conform. {CaseName}: {exception.GetType().Name}, where none is expected: {exception.Message}", exception);

    public async ValueTask DisposeAsync()
    {
        foreach (ICheckpointStore store in _others.Append(Store))
        {
            if (store is IAsyncDisposable disposable)
            {
                await disposable.DisposeAsync();
            }
        }
    }

    protected override Exception Failure(string message) => new CheckpointStoreConformanceException(message);
}
