using FastConsumer.Checkpoints;
using FastConsumer.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Snapshots of processors' state on a local disk.</summary>
public static class LocalCheckpointsFastConsumerBuilderExtensions
{
    /// <summary>
    /// Keeps snapshots of processors' state as files in a folder, for development and for consumers that always run on one machine: a shard
    /// that moves to another machine does not find its state there.
    /// </summary>
    /// <remarks>
    /// The folder's file system must have hard links, as those of local disks do. Several consumers and processes may share a folder.
    /// </remarks>
    /// <param name="builder">The consumer.</param>
    /// <param name="path">The folder; it is created where it is missing. A relative path begins at the current folder of now.</param>
    public static FastConsumerBuilder UseLocalCheckpoints(this FastConsumerBuilder builder, string path)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        string folder = Path.GetFullPath(path);
        builder.Services.AddKeyedSingleton<ICheckpointStore>(
            builder.Name,
            (services, _) => new LocalCheckpointStore(folder, services.GetRequiredService<RandomSource>().Create()));
        return builder;
    }
}
