using System.Buffers;
using FastConsumer.Checkpoints;
using FastConsumer.Testing.Checkpoints;
using Microsoft.Win32.SafeHandles;

namespace FastConsumer.Tests.Checkpoints;

public sealed class LocalCheckpointStoreTests : IDisposable
{
    private const int NoSpace = 28;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fastconsumer-checkpoints-");
    private readonly FaultyFiles _files = new();

    public static TheoryData<string> Cases => [.. CheckpointStoreConformance.Cases.Select(static test => test.Name)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Cases))]
    public Task The_store_conforms(string name) => CheckpointStoreConformance.Cases.Single(test => test.Name == name)
        .RunAsync(new Folder(Path.Combine(_folder.FullName, "not", "yet", "there")), Cancellation);

    [Fact]
    public void The_folder_is_described_as_a_whole_path() =>
        Assert.Equal($"the folder {_folder.FullName}", new LocalCheckpointStore(_folder.FullName + "/", new Random(1)).Description);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_full_disk_is_named_and_leaves_nothing(int write)
    {
        LocalCheckpointStore store = Open();
        _files.OnWrite = number => number == write ? throw new IOException("No space left on device", NoSpace) : true;

        CheckpointStoreException full = await Assert.ThrowsAsync<CheckpointStoreException>(
            () => store.CreateAsync("orders/1", Content(3 * 1024 * 1024), Cancellation));

        Assert.StartsWith($"The disk of the folder {_folder.FullName} is full", full.Message, StringComparison.Ordinal);
        Assert.Contains("Make room, or choose a folder on a larger disk", full.Message, StringComparison.Ordinal);
        Assert.True(full.IsTransient);
        Assert.Empty(AllFiles());
        _files.OnWrite = null;
        await store.CreateAsync("orders/1", Content(3 * 1024 * 1024), Cancellation);
        Assert.Single(AllFiles());
    }

    /// <summary>The code is the one that the system gives: this device is always full.</summary>
    [Fact]
    public async Task A_disk_that_is_really_full_is_named()
    {
        _files.Redirect = "/dev/full";

        CheckpointStoreException full = await Assert.ThrowsAsync<CheckpointStoreException>(
            () => Open().CreateAsync("orders/1", Content(10), Cancellation));

        Assert.Contains("is full", full.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_flush_that_fails_leaves_nothing()
    {
        LocalCheckpointStore store = Open();
        _files.OnFlush = static () => throw new IOException("Input/output error", 5);

        CheckpointStoreException failed = await Assert.ThrowsAsync<CheckpointStoreException>(
            () => store.CreateAsync("orders/1", Content(10), Cancellation));

        Assert.Contains("Input/output error", failed.Message, StringComparison.Ordinal);
        Assert.Empty(AllFiles());
    }

    [Fact]
    public async Task Bytes_are_flushed_before_the_name_and_the_folder_after_it()
    {
        await Open().CreateAsync("orders/1", Content(10), Cancellation);

        string folder = Path.Combine(_folder.FullName, "orders");
        Assert.Equal(
            [
                $"folder {folder}", $"flush {_folder.FullName}", "create", "write", "flush", "publish", "delete", $"flush {folder}",
                $"flush {_folder.FullName}",
            ],
            _files.Calls);
    }

    [Fact]
    public async Task The_same_bytes_again_are_made_durable_too()
    {
        await Open().CreateAsync("orders/1", Content(10), Cancellation);
        _files.Calls.Clear();
        await Open().CreateAsync("orders/1", Content(10), Cancellation);

        Assert.Equal([$"flush {Path.Combine(_folder.FullName, "orders")}", $"flush {_folder.FullName}"], _files.Calls[^2..]);
    }

    [Fact]
    public async Task What_a_crash_left_half_written_is_never_listed_and_goes_at_the_next_start()
    {
        LocalCheckpointStore store = Open();
        await store.CreateAsync("orders/1", Content(10), Cancellation);
        string leftover = Path.Combine(_folder.FullName, "orders", ".77-0123456789abcdef.tmp");
        await File.WriteAllTextAsync(leftover, "half", Cancellation);
        string foreign = Path.Combine(_folder.FullName, "orders", "notes of a user.txt");
        await File.WriteAllTextAsync(foreign, "hello", Cancellation);

        Assert.Equal(["orders/1"], await NamesAsync(store));
        await store.PrepareAsync(Cancellation);
        Assert.False(File.Exists(leftover));
        Assert.True(File.Exists(foreign));
        Assert.Equal(["orders/1"], await NamesAsync(store));
    }

    [Fact]
    public async Task What_is_being_written_is_not_taken_for_a_leftover()
    {
        LocalCheckpointStore store = Open();
        _files.OnFlush = () =>
        {
            _files.OnFlush = null;
            new LocalCheckpointStore(_folder.FullName, new Random(2)).PrepareAsync(Cancellation).GetAwaiter().GetResult();
        };

        await store.CreateAsync("orders/1", Content(10), Cancellation);

        Assert.Equal(["orders/1"], await NamesAsync(store));
    }

    [Fact]
    public async Task A_name_that_came_while_the_bytes_were_written_is_not_overwritten()
    {
        LocalCheckpointStore store = Open();
        _files.OnFlush = () =>
        {
            _files.OnFlush = null;
            new LocalCheckpointStore(_folder.FullName, new Random(2)).CreateAsync("orders/1", Content(20), Cancellation)
                .GetAwaiter().GetResult();
        };

        await Assert.ThrowsAsync<CheckpointObjectConflictException>(() => store.CreateAsync("orders/1", Content(10), Cancellation));

        await store.ReadAsync("orders/1", 0, new byte[20], Cancellation);
        Assert.Single(AllFiles());
    }

    [Fact]
    public async Task A_file_that_comes_between_the_look_and_the_link_is_not_overwritten()
    {
        LocalCheckpointStore store = Open();
        _files.OnPublish = path =>
        {
            _files.OnPublish = null;
            File.WriteAllText(path, "first");
        };

        await Assert.ThrowsAsync<CheckpointObjectConflictException>(() => store.CreateAsync("orders/1", Content(10), Cancellation));

        Assert.Equal("first", await File.ReadAllTextAsync(Path.Combine(_folder.FullName, "orders", "1"), Cancellation));
    }

    [Fact]
    public async Task A_cancelled_write_leaves_nothing()
    {
        LocalCheckpointStore store = Open();
        using var gaveUp = new CancellationTokenSource();
        _files.OnFlush = gaveUp.Cancel;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.CreateAsync("orders/1", Content(10), gaveUp.Token));

        Assert.Empty(AllFiles());
    }

    [Fact]
    public async Task A_disk_that_overwrites_is_refused()
    {
        LocalCheckpointStore store = Open();
        _files.Overwrites = true;

        CheckpointStoreException refused = await Assert.ThrowsAsync<CheckpointStoreException>(() => store.PrepareAsync(Cancellation));

        Assert.Contains("writes one file over another", refused.Message, StringComparison.Ordinal);
        Assert.False(refused.IsTransient);
        Assert.Empty(AllFiles());
    }

    [Fact]
    public async Task A_disk_without_links_is_refused()
    {
        LocalCheckpointStore store = Open();
        _files.OnPublish = static _ => throw new IOException("Operation not permitted", 1);

        CheckpointStoreException refused = await Assert.ThrowsAsync<CheckpointStoreException>(() => store.PrepareAsync(Cancellation));

        Assert.Contains("has no hard links", refused.Message, StringComparison.Ordinal);
        Assert.Empty(AllFiles());
    }

    [Fact]
    public async Task A_name_below_an_object_is_refused_and_so_is_a_folder_as_a_name()
    {
        LocalCheckpointStore store = Open();
        await store.CreateAsync("orders/1", Content(10), Cancellation);

        CheckpointStoreException below = await Assert.ThrowsAsync<CheckpointStoreException>(
            () => store.CreateAsync("orders/1/2", Content(10), Cancellation));
        CheckpointStoreException folder = await Assert.ThrowsAsync<CheckpointStoreException>(
            () => store.CreateAsync("orders", Content(10), Cancellation));

        Assert.False(below.IsTransient);
        Assert.Contains("is a file", below.Message, StringComparison.Ordinal);
        Assert.False(folder.IsTransient);
        Assert.Contains("is a folder", folder.Message, StringComparison.Ordinal);
        Assert.Equal(["orders/1"], await NamesAsync(store));
    }

    [Fact]
    public async Task A_link_leads_nowhere()
    {
        LocalCheckpointStore store = Open();
        await store.CreateAsync("orders/1", Content(10), Cancellation);
        File.CreateSymbolicLink(Path.Combine(_folder.FullName, "orders", "2"), "/etc/hostname");
        Directory.CreateSymbolicLink(Path.Combine(_folder.FullName, "all"), _folder.FullName);

        Assert.Equal(["orders/1"], await NamesAsync(store));
        await store.PrepareAsync(Cancellation);
    }

    [Fact]
    public async Task Empty_folders_go_with_their_last_object()
    {
        LocalCheckpointStore store = Open();
        await store.CreateAsync("orders/L/seg/S/1", Content(10), Cancellation);
        await store.CreateAsync("orders/id", Content(10), Cancellation);
        await store.DeleteAsync("orders/L/seg/S/1", Cancellation);

        Assert.Equal([Path.Combine(_folder.FullName, "orders")], Directory.GetDirectories(_folder.FullName));
        Assert.Empty(Directory.GetDirectories(Path.Combine(_folder.FullName, "orders")));
        await store.DeleteAsync("orders/id", Cancellation);
        Assert.Empty(Directory.GetDirectories(_folder.FullName));
        Assert.True(_folder.Exists);
    }

    private static ReadOnlySequence<byte> Content(int length) => new(new byte[length]);

    private static async Task<List<string>> NamesAsync(LocalCheckpointStore store)
    {
        List<string> names = [];
        await foreach (CheckpointObject one in store.ListAsync("", Cancellation))
        {
            names.Add(one.Name);
        }

        return names;
    }

    private LocalCheckpointStore Open() => new(_folder.FullName, new Random(1), _files);

    private string[] AllFiles() => Directory.GetFiles(_folder.FullName, "*", new EnumerationOptions
    {
        AttributesToSkip = 0,
        RecurseSubdirectories = true,
    });

    private sealed class Folder(string path) : CheckpointStoreUnderTest
    {
        private int _opened;

        public override ICheckpointStore Open() => new LocalCheckpointStore(path, new Random(Interlocked.Increment(ref _opened)));
    }

    private sealed class FaultyFiles : ICheckpointFiles
    {
        private readonly PhysicalCheckpointFiles _files = new();
        private int _writes;

        public List<string> Calls { get; } = [];

        public Func<int, bool>? OnWrite { get; set; }

        public Action? OnFlush { get; set; }

        public Action<string>? OnPublish { get; set; }

        public string? Redirect { get; set; }

        public bool Overwrites { get; set; }

        public void CreateFolder(string path)
        {
            Calls.Add($"folder {path}");
            _files.CreateFolder(path);
        }

        public SafeFileHandle CreateFile(string path)
        {
            Calls.Add("create");
            return Redirect is null ? _files.CreateFile(path) : File.OpenHandle(Redirect, FileMode.Open, FileAccess.Write);
        }

        public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
        {
            Calls.Add("write");
            OnWrite?.Invoke(++_writes);
            _files.Write(file, bytes, offset);
        }

        public void Flush(SafeFileHandle file)
        {
            Calls.Add("flush");
            OnFlush?.Invoke();
            _files.Flush(file);
        }

        public bool TryPublish(string temporaryPath, string path)
        {
            Calls.Add("publish");
            OnPublish?.Invoke(path);
            if (Overwrites)
            {
                File.Copy(temporaryPath, path, overwrite: true);
                return true;
            }

            return _files.TryPublish(temporaryPath, path);
        }

        public void FlushFolder(string path)
        {
            Calls.Add($"flush {path}");
            _files.FlushFolder(path);
        }

        public void Delete(string path)
        {
            Calls.Add("delete");
            _files.Delete(path);
        }

        public bool TryDeleteFolder(string path) => _files.TryDeleteFolder(path);
    }
}
