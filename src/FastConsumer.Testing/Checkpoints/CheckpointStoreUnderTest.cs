using FastConsumer.Checkpoints;

namespace FastConsumer.Testing.Checkpoints;

/// <summary>
/// An empty place for one case of <see cref="CheckpointStoreConformance"/>: what the suite must be given to test a store of checkpoints.
/// </summary>
public abstract class CheckpointStoreUnderTest
{
    /// <summary>
    /// Opens a store on the place. Called several times for one place: each call gives a store of its own, which the suite disposes of
    /// where it is <see cref="IAsyncDisposable"/>.
    /// </summary>
    public abstract ICheckpointStore Open();

    /// <summary>
    /// The size of the large objects of some cases, in bytes, at least 1 MiB; 20 MiB unless overridden. Let it be so large that the store
    /// writes them in another way, where it has one for large objects.
    /// </summary>
    public virtual int LargeObjectBytes => 20 * 1024 * 1024;
}
