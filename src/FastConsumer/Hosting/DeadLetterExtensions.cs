using System.Diagnostics.CodeAnalysis;
using FastConsumer;
using FastConsumer.Dispatch;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>
/// Chooses where a consumer's dead letters are written, and where those are written that this sink can never take. The last call of each kind
/// wins.
/// </summary>
public static class DeadLetterExtensions
{
    /// <summary>Writes dead letters to a sink of your own, created once for the consumer with services from DI.</summary>
    /// <typeparam name="TSink">The sink.</typeparam>
    /// <param name="builder">The consumer.</param>
    public static FastConsumerBuilder UseDeadLetters<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TSink>(
        this FastConsumerBuilder builder)
        where TSink : class, IDeadLetterSink
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddKeyedSingleton<IDeadLetterSink, TSink>(builder.Name);
        return builder;
    }

    /// <summary>Writes dead letters to a sink that a function creates, once for the consumer.</summary>
    /// <param name="builder">The consumer.</param>
    /// <param name="create">Creates the sink; the host disposes it.</param>
    public static FastConsumerBuilder UseDeadLetters(this FastConsumerBuilder builder, Func<IServiceProvider, IDeadLetterSink> create)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(create);
        builder.Services.AddKeyedSingleton(builder.Name, (services, _) => create(services));
        return builder;
    }

    /// <summary>
    /// Writes dead letters to a Kinesis stream, in the consumer's region and with its credentials. A record is put as it was, with its partition
    /// key, so the stream can be consumed like the first; the reason is in the log. The stream must exist.
    /// </summary>
    /// <remarks>
    /// A record of an aggregate may have a key that Kinesis does not take, an empty one or one of more than 256 characters: it is put with the
    /// id of its shard as key, which is logged. A record that is too large for the stream is not cut: it goes to the fallback (such as
    /// <see cref="UseDeadLetterFallbackToFile"/>), and without one its shard stops.
    /// </remarks>
    /// <param name="builder">The consumer.</param>
    /// <param name="stream">The name or the ARN of the stream.</param>
    /// <exception cref="ArgumentException"><paramref name="stream"/> is neither a name nor an ARN.</exception>
    public static FastConsumerBuilder UseDeadLettersToStream(this FastConsumerBuilder builder, string stream)
    {
        StreamIdentifier identifier = StreamIdentifier.Parse(stream);
        return builder.UseDeadLetters(services => CreateStreamSink(builder, identifier, services));
    }

    /// <summary>
    /// Writes dead letters to a file, one line of JSON for each, with the payload in base64 (<c>data</c>). Lines are appended. Only one process
    /// at a time may write the file.
    /// </summary>
    /// <param name="builder">The consumer.</param>
    /// <param name="path">The file; it and its folder are created if they do not exist.</param>
    public static FastConsumerBuilder UseDeadLettersToFile(this FastConsumerBuilder builder, string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return builder.UseDeadLetters(_ => new FileDeadLetterSink(path));
    }

    /// <summary>
    /// Writes position and exception of dead letters to the log. The record itself is lost when the stream no longer retains it.
    /// </summary>
    /// <param name="builder">The consumer.</param>
    public static FastConsumerBuilder UseDeadLettersToLog(this FastConsumerBuilder builder) => builder.UseDeadLetters(CreateLogSink);

    /// <summary>
    /// Writes the dead letters that the first sink can never take (<see cref="DeadLetterRefusedException"/>) to a second one, which a function
    /// creates once for the consumer.
    /// </summary>
    /// <param name="builder">The consumer.</param>
    /// <param name="create">Creates the sink; the host disposes it.</param>
    public static FastConsumerBuilder UseDeadLetterFallback(this FastConsumerBuilder builder, Func<IServiceProvider, IDeadLetterSink> create)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(create);
        builder.Services.AddKeyedSingleton(new DeadLetterFallback(builder.Name), (services, _) => create(services));
        return builder;
    }

    /// <summary>
    /// Writes the dead letters that the first sink can never take to a second stream, such as one with a larger limit for records.
    /// </summary>
    /// <param name="builder">The consumer.</param>
    /// <param name="stream">The name or the ARN of the stream.</param>
    /// <exception cref="ArgumentException"><paramref name="stream"/> is neither a name nor an ARN.</exception>
    public static FastConsumerBuilder UseDeadLetterFallbackToStream(this FastConsumerBuilder builder, string stream)
    {
        StreamIdentifier identifier = StreamIdentifier.Parse(stream);
        return builder.UseDeadLetterFallback(services => CreateStreamSink(builder, identifier, services));
    }

    /// <summary>Writes the dead letters that the first sink can never take to a file, as <see cref="UseDeadLettersToFile"/> does.</summary>
    /// <param name="builder">The consumer.</param>
    /// <param name="path">The file; it and its folder are created if they do not exist.</param>
    public static FastConsumerBuilder UseDeadLetterFallbackToFile(this FastConsumerBuilder builder, string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return builder.UseDeadLetterFallback(_ => new FileDeadLetterSink(path));
    }

    /// <summary>
    /// Writes position and exception of the dead letters that the first sink can never take to the log, as <see cref="UseDeadLettersToLog"/>
    /// does.
    /// </summary>
    /// <param name="builder">The consumer.</param>
    public static FastConsumerBuilder UseDeadLetterFallbackToLog(this FastConsumerBuilder builder) => builder.UseDeadLetterFallback(CreateLogSink);

    /// <summary>The consumer's sink, with the fallback behind it; null where none was chosen.</summary>
    internal static IDeadLetterSink? Find(FastConsumerBuilder consumer, IServiceProvider services)
    {
        IDeadLetterSink? first = services.GetKeyedService<IDeadLetterSink>(consumer.Name);
        if (services.GetKeyedService<IDeadLetterSink>(new DeadLetterFallback(consumer.Name)) is not { } fallback)
        {
            return first;
        }

        return first is not null
            ? new FallbackDeadLetterSink(first, fallback, CreateLogger(services))
            : throw new InvalidOperationException(
                "A fallback for dead letters was chosen (UseDeadLetterFallback...), and no sink before it: choose one with UseDeadLettersToStream(...), "
                    + "UseDeadLettersToFile(...), UseDeadLettersToLog() or UseDeadLetters<TSink>().");
    }

    private static StreamDeadLetterSink CreateStreamSink(FastConsumerBuilder builder, StreamIdentifier stream, IServiceProvider services)
    {
        FastConsumerOptions options = services.GetRequiredService<IOptionsMonitor<FastConsumerOptions>>().Get(builder.Name);
        var settings = WorkerSettings.Resolve(builder.Processors[0], options, new ProcessorOptions(), "dead-letters", AwsDefaults.Find(services));
        IKinesisClient client = services.GetRequiredService<IKinesisClientFactory>().Create(settings with { Stream = stream });
        return new StreamDeadLetterSink(client, stream, CreateLogger(services));
    }

    private static LogDeadLetterSink CreateLogSink(IServiceProvider services) => new(CreateLogger(services));

    private static ILogger CreateLogger(IServiceProvider services) =>
        services.GetRequiredService<ILoggerFactory>().CreateLogger("FastConsumer.DeadLetters");

    /// <summary>The key of a consumer's fallback.</summary>
    private sealed record DeadLetterFallback(string Consumer);
}
