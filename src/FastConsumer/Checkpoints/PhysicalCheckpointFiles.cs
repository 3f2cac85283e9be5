using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FastConsumer.Checkpoints;

/// <summary>
/// The machine's disks. On Unix, .NET's <see cref="File.Move(string, string, bool)"/> without overwriting looks first and renames then, so
/// a file that comes in between is lost; and it opens no folder to flush it. Both are done by the C library.
/// </summary>
internal sealed partial class PhysicalCheckpointFiles : ICheckpointFiles
{
    // the same on Linux and macOS
    private const int AlreadyThere = 17;
    private const int NotThere = 2;
    private const int InvalidArgument = 22;

    private const int LinuxNotEmpty = 39;
    private const int MacNotEmpty = 66;
    private const int WindowsNotEmpty = unchecked((int)0x8007_0091);

    private static int CloseOnExec => OperatingSystem.IsMacOS() ? 0x0100_0000 : 0x0008_0000;

    public void CreateFolder(string path) => Directory.CreateDirectory(path);

    // held by the writer, and yet readable from the moment on that it has its name
    public SafeFileHandle CreateFile(string path) => File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(file, bytes, offset);

    public void Flush(SafeFileHandle file) => RandomAccess.FlushToDisk(file);

    public bool TryPublish(string temporaryPath, string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            if (Link(temporaryPath, path) == 0)
            {
                return true;
            }

            int error = Marshal.GetLastPInvokeError();
            return error == AlreadyThere ? false : throw Failure(error, $"'{path}' could not be linked");
        }

        try
        {
            File.Move(temporaryPath, path, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
    }

    public void FlushFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            // NTFS keeps the order of changes to names in its journal; there is nothing to flush
            return;
        }

        int descriptor = Open(path, CloseOnExec);
        if (descriptor < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error == NotThere)
            {
                return;
            }

            throw Failure(error, $"The folder '{path}' could not be opened");
        }

        using var folder = new SafeFileHandle(descriptor, ownsHandle: true);
        // a file system that has no such call for folders writes names at once
        if (Sync(folder) != 0 && Marshal.GetLastPInvokeError() is not InvalidArgument and int failure)
        {
            throw Failure(failure, $"The folder '{path}' could not be flushed");
        }
    }

    public void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            // then the file is gone as well
        }
    }

    public bool TryDeleteFolder(string path)
    {
        try
        {
            Directory.Delete(path, recursive: false);
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            return false;
        }
        catch (IOException exception) when (exception.HResult is AlreadyThere or LinuxNotEmpty or MacNotEmpty or WindowsNotEmpty)
        {
            return false;
        }
    }

    private static IOException Failure(int error, string what)
    {
        string message = $"{what}: {new Win32Exception(error).Message}.";
        return error == NotThere ? new FileNotFoundException(message) : new IOException(message, error);
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string path);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(SafeFileHandle file);
}
