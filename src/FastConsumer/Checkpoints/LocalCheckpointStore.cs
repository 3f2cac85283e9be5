using System.Buffers;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace FastConsumer.Checkpoints;

/// <summary>
/// Objects as files of a folder. An object is written under a name that is no object's, flushed, and linked to its own name, which succeeds
/// only where nothing has it; then the folder is flushed.
/// </summary>
/// <param name="path">The folder; created where it is missing.</param>
/// <param name="files">What changes the disk; null for the machine's.</param>
/// <param name="random">Names temporary files apart; its seed differs from process to process.</param>
internal sealed class LocalCheckpointStore(string path, Random random, ICheckpointFiles? files = null) : ICheckpointStore
{
    private const string TemporaryEnd = ".tmp";
    private const int ChunkBytes = 1024 * 1024;

    /// <summary>How often a folder is made again that another process has taken for empty and deleted.</summary>
    private const int FolderTries = 10;

    private readonly string _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
    private readonly ICheckpointFiles _files = files ?? new PhysicalCheckpointFiles();
    private readonly Lock _lock = new();

    public string Description => $"the folder {_root}";

    public Task PrepareAsync(CancellationToken cancellationToken) => RunAsync(() => Prepare(cancellationToken), cancellationToken);

    public Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        CheckpointName.ThrowIfInvalid(name);
        return RunAsync(() => Create(name, content, cancellationToken), cancellationToken);
    }

    public Task ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        CheckpointName.ThrowIfInvalid(name);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return RunAsync(() => Read(name, offset, destination, cancellationToken), cancellationToken);
    }

    public async IAsyncEnumerable<CheckpointObject> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        CheckpointName.ThrowIfInvalidPrefix(prefix);
        List<CheckpointObject> found = [];
        await RunAsync(
            () =>
            {
                int folder = prefix.LastIndexOf('/');
                List(folder < 0 ? "" : prefix[..folder], prefix, found, cancellationToken);
            },
            cancellationToken).ConfigureAwait(false);
        foreach (CheckpointObject one in found)
        {
            yield return one;
        }
    }

    public Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        CheckpointName.ThrowIfInvalid(name);
        return RunAsync(() => Delete(name), cancellationToken);
    }

    /// <summary>In the pool: disks make threads wait, and a flush does for long.</summary>
    private async Task RunAsync(Action action, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Run(action, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Translate(exception);
        }
    }

    private void Prepare(CancellationToken cancellationToken)
    {
        CreateFolders(_root);
        DeleteLeftovers(_root, cancellationToken);
        string first = TemporaryPath(_root);
        string second = TemporaryPath(_root);
        try
        {
            using (SafeFileHandle file = _files.CreateFile(first))
            {
                _files.Write(file, "FastConsumer"u8, 0);
                _files.Flush(file);
            }

            bool isLinked;
            try
            {
                isLinked = _files.TryPublish(first, second);
            }
            catch (IOException exception)
            {
                throw new CheckpointStoreException(
                    $"The file system of {Description} has no hard links, so checkpoints cannot be written there whole or not at all: "
                        + $"{exception.Message} Choose a folder on a local disk.",
                    isTransient: false,
                    exception);
            }

            // on Windows the first name is gone, and the system's own move looks and moves in one
            if (!isLinked || (!OperatingSystem.IsWindows() && _files.TryPublish(first, second)))
            {
                throw new CheckpointStoreException(
                    $"The file system of {Description} writes one file over another, so it cannot keep checkpoints. Choose a folder on a "
                        + "local disk.",
                    isTransient: false);
            }
        }
        finally
        {
            _files.Delete(first);
            _files.Delete(second);
        }

        _files.FlushFolder(_root);
    }

    /// <summary>
    /// Deletes what a crash has left half-written. A file that is being written is held open by its writer; where that is not seen (on a
    /// network's file system), the writer fails and writes again.
    /// </summary>
    private void DeleteLeftovers(string folder, CancellationToken cancellationToken)
    {
        foreach (string file in Entries(() => Directory.EnumerateFiles(folder, $".*{TemporaryEnd}", Everything)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!IsHeld(file))
            {
                _files.Delete(file);
            }
        }

        foreach (string inner in Entries(() => Directory.EnumerateDirectories(folder, "*", Everything)))
        {
            if (CheckpointName.IsValid(Path.GetFileName(inner)))
            {
                DeleteLeftovers(inner, cancellationToken);
            }
        }
    }

    private static bool IsHeld(string file)
    {
        try
        {
            File.OpenHandle(file, FileMode.Open, FileAccess.Read, FileShare.None).Dispose();
            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (DirectoryNotFoundException)
        {
            return false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // another process writes it, or another user has left it
            return true;
        }
    }

    private void Create(string name, in ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        string path = PathOf(name);
        string folder = Path.GetDirectoryName(path)!;
        string temporary = TemporaryPath(folder);
        using SafeFileHandle file = CreateTemporary(folder, temporary);
        bool isPublished;
        try
        {
            long offset = 0;
            foreach (ReadOnlyMemory<byte> segment in content)
            {
                for (int from = 0; from < segment.Length; from += ChunkBytes)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    ReadOnlySpan<byte> chunk = segment.Span[from..Math.Min(segment.Length, from + ChunkBytes)];
                    _files.Write(file, chunk, offset);
                    offset += chunk.Length;
                }
            }

            cancellationToken.ThrowIfCancellationRequested();
            _files.Flush(file);
            cancellationToken.ThrowIfCancellationRequested();
            if (OperatingSystem.IsWindows())
            {
                // an open file is not moved there
                file.Dispose();
            }

            isPublished = _files.TryPublish(temporary, path);
        }
        finally
        {
            _files.Delete(temporary);
        }

        if (!isPublished && !IsSame(path, name, content))
        {
            throw new CheckpointObjectConflictException(name, Description);
        }

        // where another process has made the folders or linked the same bytes, it may not have come to this yet
        for (; folder != _root; folder = Path.GetDirectoryName(folder)!)
        {
            _files.FlushFolder(folder);
        }

        _files.FlushFolder(_root);
    }

    /// <summary>A folder without files is deleted by whoever deletes the last one, so it may go before ours is there.</summary>
    private SafeFileHandle CreateTemporary(string folder, string temporary)
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                CreateFolders(folder);
                return _files.CreateFile(temporary);
            }
            catch (IOException exception) when (exception is DirectoryNotFoundException or FileNotFoundException && tries < FolderTries)
            {
                // made again
            }
        }
    }

    /// <summary>Each name of a new folder is flushed to the one above: a file is lost with a folder that is.</summary>
    private void CreateFolders(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        if (File.Exists(folder))
        {
            throw new CheckpointStoreException(
                $"'{folder}' is a file, so no checkpoints can be kept below it. Choose another folder.", isTransient: false);
        }

        string? above = Path.GetDirectoryName(folder);
        if (above is not null)
        {
            CreateFolders(above);
        }

        _files.CreateFolder(folder);
        if (above is not null)
        {
            _files.FlushFolder(above);
        }
    }

    private bool IsSame(string path, string name, in ReadOnlySequence<byte> content)
    {
        if (Directory.Exists(path))
        {
            throw new CheckpointStoreException(
                $"'{name}' in {Description} is a folder of other objects, so no object can have this name.", isTransient: false);
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (RandomAccess.GetLength(file) != content.Length)
            {
                return false;
            }

            long offset = 0;
            foreach (ReadOnlyMemory<byte> segment in content)
            {
                for (int from = 0; from < segment.Length;)
                {
                    int read = RandomAccess.Read(file, buffer.AsSpan(0, Math.Min(ChunkBytes, segment.Length - from)), offset);
                    if (read == 0 || !buffer.AsSpan(0, read).SequenceEqual(segment.Span.Slice(from, read)))
                    {
                        return false;
                    }

                    from += read;
                    offset += read;
                }
            }

            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Read(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        SafeFileHandle file;
        try
        {
            file = File.OpenHandle(PathOf(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException
            || (exception is UnauthorizedAccessException && Directory.Exists(PathOf(name))))
        {
            throw new CheckpointObjectMissingException(name, Description, exception);
        }

        using (file)
        {
            long length = RandomAccess.GetLength(file);
            if (offset > length - destination.Length)
            {
                throw new CheckpointObjectTooShortException(name, Description, length, offset + destination.Length);
            }

            for (int done = 0; done < destination.Length;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int read = RandomAccess.Read(
                    file, destination.Span.Slice(done, Math.Min(ChunkBytes, destination.Length - done)), offset + done);
                done += read > 0
                    ? read
                    : throw new CheckpointObjectTooShortException(name, Description, offset + done, offset + destination.Length);
            }
        }
    }

    private void List(string folder, string prefix, List<CheckpointObject> found, CancellationToken cancellationToken)
    {
        string path = folder.Length == 0 ? _root : PathOf(folder);
        foreach (string file in Entries(() => Directory.EnumerateFiles(path, "*", Everything)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var info = new FileInfo(file);
            string name = Join(folder, info.Name);
            // one that is gone by now need not be listed
            if (CheckpointName.IsValid(name) && name.StartsWith(prefix, StringComparison.Ordinal) && info.Exists)
            {
                found.Add(new CheckpointObject(name, info.Length));
            }
        }

        foreach (string inner in Entries(() => Directory.EnumerateDirectories(path, "*", Everything)))
        {
            string name = Join(folder, Path.GetFileName(inner));
            bool mayHold = prefix.Length <= name.Length
                ? name.StartsWith(prefix, StringComparison.Ordinal)
                : prefix.StartsWith(name, StringComparison.Ordinal);
            if (mayHold && CheckpointName.IsValid(name))
            {
                List(name, prefix, found, cancellationToken);
            }
        }
    }

    private void Delete(string name)
    {
        string path = PathOf(name);
        _files.Delete(path);
        string folder = Path.GetDirectoryName(path)!;
        while (folder != _root && _files.TryDeleteFolder(folder))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        _files.FlushFolder(folder);
    }

    /// <summary>What is in a folder; nothing where another process has deleted the folder meanwhile.</summary>
    private static IReadOnlyList<string> Entries(Func<IEnumerable<string>> enumerate)
    {
        try
        {
            return [.. enumerate()];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private static EnumerationOptions Everything => new() { AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };

    private static string Join(string folder, string name) => folder.Length == 0 ? name : $"{folder}/{name}";

    private string PathOf(string name) => Path.Join(_root, name.Replace('/', Path.DirectorySeparatorChar));

    /// <summary>No object has such a name, which begins with a '.'.</summary>
    private string TemporaryPath(string folder)
    {
        lock (_lock)
        {
            return Path.Join(folder, $".{Environment.ProcessId:x}-{random.NextInt64():x16}{TemporaryEnd}");
        }
    }

    private CheckpointStoreException Translate(Exception exception)
    {
        if (DiskFull.Is(exception))
        {
            return new CheckpointStoreException(
                $"The disk of {Description} is full, or the user's share of it. Make room, or choose a folder on a larger disk; the next "
                    + $"checkpoint tries again. {exception.Message}",
                isTransient: true,
                exception);
        }

        return exception is UnauthorizedAccessException
            ? new CheckpointStoreException(
                $"The process may not use {Description}: {exception.Message} Give its user the right to read and write there.",
                isTransient: false,
                exception)
            : new CheckpointStoreException($"The disk failed in {Description}: {exception.Message}", isTransient: true, exception);
    }

    /// <summary>The codes by which systems say that there is no room.</summary>
    private static class DiskFull
    {
        private const int UnixNoSpace = 28;
        private const int LinuxQuota = 122;
        private const int MacQuota = 69;
        private const int WindowsDiskFull = unchecked((int)0x8007_0070);
        private const int WindowsHandleDiskFull = unchecked((int)0x8007_0027);

        public static bool Is(Exception exception) => exception is IOException
        {
            HResult: UnixNoSpace or LinuxQuota or MacQuota or WindowsDiskFull or WindowsHandleDiskFull,
        };
    }
}
