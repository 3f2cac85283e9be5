using Microsoft.Win32.SafeHandles;

namespace FastConsumer.Checkpoints;

/// <summary>What <see cref="LocalCheckpointStore"/> changes on a disk, call by call, so that a test can make each of them fail.</summary>
internal interface ICheckpointFiles
{
    /// <summary>Creates one folder, whose parent is there. One that is there already is fine.</summary>
    void CreateFolder(string path);

    /// <summary>Creates a file for writing, which others may only read meanwhile.</summary>
    SafeFileHandle CreateFile(string path);

    /// <summary>Writes bytes at an offset.</summary>
    void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset);

    /// <summary>Returns when the file's bytes are on the disk.</summary>
    void Flush(SafeFileHandle file);

    /// <summary>
    /// Gives a file its name, atomically and never in place of another; false where something of this name is there. The former name may
    /// remain.
    /// </summary>
    bool TryPublish(string temporaryPath, string path);

    /// <summary>Returns when the names in a folder are on the disk; at once where the folder is gone.</summary>
    void FlushFolder(string path);

    /// <summary>Deletes a file; none is fine, and so is a missing folder.</summary>
    void Delete(string path);

    /// <summary>Deletes an empty folder; false where it is not empty or not there.</summary>
    bool TryDeleteFolder(string path);
}
