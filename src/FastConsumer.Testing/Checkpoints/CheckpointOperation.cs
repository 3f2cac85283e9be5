namespace FastConsumer.Testing.Checkpoints;

/// <summary>The calls of a <see cref="FastConsumer.Checkpoints.ICheckpointStore"/>, for faults.</summary>
public enum CheckpointOperation
{
    /// <summary><see cref="FastConsumer.Checkpoints.ICheckpointStore.PrepareAsync"/>.</summary>
    Prepare,

    /// <summary><see cref="FastConsumer.Checkpoints.ICheckpointStore.CreateAsync"/>.</summary>
    Create,

    /// <summary><see cref="FastConsumer.Checkpoints.ICheckpointStore.ReadAsync"/>.</summary>
    Read,

    /// <summary><see cref="FastConsumer.Checkpoints.ICheckpointStore.ListAsync"/>.</summary>
    List,

    /// <summary><see cref="FastConsumer.Checkpoints.ICheckpointStore.DeleteAsync"/>.</summary>
    Delete,
}
