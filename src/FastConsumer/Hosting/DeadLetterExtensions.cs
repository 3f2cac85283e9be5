using System.Diagnostics.CodeAnalysis;
using FastConsumer;
using FastConsumer.Dispatch;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Chooses where a consumer's dead letters go. The last call wins.</summary>
public static class DeadLetterExtensions
{
    /// <summary>To a sink of one's own, created once for the consumer with services from DI.</summary>
    /// <typeparam name="TSink">The sink.</typeparam>
    /// <param name="builder">The consumer.</param>
    public static FastConsumerBuilder UseDeadLetters<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TSink>(this FastConsumerBuilder builder)
        where TSink : class, IDeadLetterSink
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddKeyedSingleton<IDeadLetterSink, TSink>(builder.Name);
        return builder;
    }

    /// <summary>To a sink that a function makes, once for the consumer.</summary>
    /// <param name="builder">The consumer.</param>
    /// <param name="create">Makes the sink; the host disposes it.</param>
    public static FastConsumerBuilder UseDeadLetters(this FastConsumerBuilder builder, Func<IServiceProvider, IDeadLetterSink> create)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(create);
        builder.Services.AddKeyedSingleton(builder.Name, (services, _) => create(services));
        return builder;
    }

    /// <summary>
    /// To a Kinesis stream, in the consumer's region and with its credentials. A record is put as it was, with its partition
    /// key, so the stream can be consumed like the first; why it is there stands in the log. The stream must exist.
    /// </summary>
    /// <param name="builder">The consumer.</param>
    /// <param name="stream">The stream's name or ARN.</param>
    /// <exception cref="ArgumentException">It is neither.</exception>
    public static FastConsumerBuilder UseDeadLettersToStream(this FastConsumerBuilder builder, string stream)
    {
        StreamIdentifier identifier = StreamIdentifier.Parse(stream);
        return builder.UseDeadLetters(services =>
        {
            FastConsumerOptions options = services.GetRequiredService<IOptionsMonitor<FastConsumerOptions>>().Get(builder.Name);
            WorkerSettings settings = WorkerSettings.Resolve(builder.Processors[0], options, new ProcessorOptions(), "dead-letters");
            return new StreamDeadLetterSink(services.GetRequiredService<IKinesisClientFactory>().Create(settings with { Stream = identifier }), identifier);
        });
    }

    /// <summary>To a file, one line of JSON for each letter, with the payload in base64 (<c>data</c>). Lines are appended; one process at a time writes a file.</summary>
    /// <param name="builder">The consumer.</param>
    /// <param name="path">The file; it and its folder are created where they are missing.</param>
    public static FastConsumerBuilder UseDeadLettersToFile(this FastConsumerBuilder builder, string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return builder.UseDeadLetters(_ => new FileDeadLetterSink(path));
    }

    /// <summary>To the log: position and exception only. The record itself is lost when the stream no longer retains it.</summary>
    /// <param name="builder">The consumer.</param>
    public static FastConsumerBuilder UseDeadLettersToLog(this FastConsumerBuilder builder) =>
        builder.UseDeadLetters(static services => new LogDeadLetterSink(services.GetRequiredService<ILoggerFactory>().CreateLogger("FastConsumer.DeadLetters")));
}
