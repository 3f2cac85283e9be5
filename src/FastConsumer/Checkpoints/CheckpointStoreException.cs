namespace FastConsumer.Checkpoints;

/// <summary>
/// A <see cref="ICheckpointStore"/> could not do what it was asked. The message is complete: it names the place, the object and what to do.
/// </summary>
public class CheckpointStoreException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">Names the place and the remedy; without secrets.</param>
    /// <param name="isTransient">Whether the same call may succeed later.</param>
    /// <param name="innerException">What the medium threw.</param>
    public CheckpointStoreException(string message, bool isTransient, Exception? innerException = null)
        : base(message, innerException) => IsTransient = isTransient;

    /// <summary>True where the same call may succeed later without anybody's help.</summary>
    public bool IsTransient { get; }

    /// <summary>True where the store took it for too much at a time: to be asked less often.</summary>
    public bool IsThrottled { get; init; }
}

/// <summary>A <see cref="ICheckpointStore"/> has no object of this name.</summary>
public sealed class CheckpointObjectMissingException : CheckpointStoreException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="name">The object's name.</param>
    /// <param name="store">The store's description.</param>
    /// <param name="innerException">What the medium threw.</param>
    public CheckpointObjectMissingException(string name, string store, Exception? innerException = null)
        : base($"There is no object '{name}' in {store}.", isTransient: false, innerException) => ObjectName = name;

    /// <summary>The object's name.</summary>
    public string ObjectName { get; }
}

/// <summary>An object with other bytes has the name that was to be created. It was left as it is.</summary>
public sealed class CheckpointObjectConflictException : CheckpointStoreException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="name">The object's name.</param>
    /// <param name="store">The store's description.</param>
    /// <param name="innerException">What the medium threw.</param>
    public CheckpointObjectConflictException(string name, string store, Exception? innerException = null)
        : base(
            $"The object '{name}' in {store} is there already, with other bytes, and was left as it is. Another process writes under the "
            + "same names: give each consumer an application name or a place of its own.",
            isTransient: false,
            innerException) => ObjectName = name;

    /// <summary>The object's name.</summary>
    public string ObjectName { get; }
}

/// <summary>An object ends before the range that was asked for.</summary>
public sealed class CheckpointObjectTooShortException : CheckpointStoreException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="name">The object's name.</param>
    /// <param name="store">The store's description.</param>
    /// <param name="length">How long the object is, in bytes.</param>
    /// <param name="neededLength">How long it must be at least for the range that was asked for, in bytes.</param>
    /// <param name="innerException">What the medium threw.</param>
    public CheckpointObjectTooShortException(string name, string store, long length, long neededLength, Exception? innerException = null)
        : base(
            $"The object '{name}' in {store} has {length} bytes, where {neededLength} are needed at least: it was damaged, or another "
            + "program wrote it.",
            isTransient: false,
            innerException)
    {
        ObjectName = name;
        Length = length;
        NeededLength = neededLength;
    }

    /// <summary>The object's name.</summary>
    public string ObjectName { get; }

    /// <summary>How long the object is, in bytes.</summary>
    public long Length { get; }

    /// <summary>How long it must be at least, in bytes.</summary>
    public long NeededLength { get; }
}
