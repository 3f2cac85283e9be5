using FastConsumer.Kinesis;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Http.Codecs;
using FastConsumer.Testing.Storage;

namespace FastConsumer.Testing;

/// <content>Streams with their settings.</content>
public sealed partial class EmbeddedKinesis
{
    /// <summary>Creates a stream with its settings, tags and consumers: ACTIVE at once, unless the options set a delay.</summary>
    /// <exception cref="KinesisException">The name is taken, or a value is refused.</exception>
    /// <exception cref="ArgumentException"><see cref="EmbeddedStream.MaxRecordBytes"/> are no whole KiB.</exception>
    public void CreateStream(EmbeddedStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.MaxRecordBytes % 1024 > 0)
        {
            throw new ArgumentException(
                $"The largest record of {stream.Name}, {stream.MaxRecordBytes} bytes, is not in whole KiB: give a multiple of 1024.",
                nameof(stream));
        }

        string mode = stream.ShardCount is null ? StreamModes.OnDemand : StreamModes.Provisioned;
        Create(new CreateStreamRequest(stream.Name, stream.ShardCount, mode)
        {
            Tags = stream.Tags.Count == 0 ? null : stream.Tags,
            MaxRecordSizeInKiB = stream.MaxRecordBytes / 1024,
            Extras = new StreamExtras(stream.RetentionHours, stream.EncryptionKeyId, stream.Consumers),
        });
    }

    /// <summary>The names of all streams, ordinal.</summary>
    public IReadOnlyList<string> ListStreams() => Run(() =>
    {
        List<string> names = [];
        ListStreamsResult page;
        do
        {
            page = _engine.ListStreams(new ListStreamsRequest(Limit: 10_000, ExclusiveStartStreamName: names.LastOrDefault()));
            names.AddRange(page.Streams.Select(static stream => stream.Name));
        }
        while (page.HasMoreStreams);

        return names;
    });

    private void Create(CreateStreamRequest request) => Change(
        DirectOperations.CreateStream, () => DirectOperations.Creating(request), () => _engine.CreateStream(request));

    private void Change(string operation, Func<byte[]> body, Action change) => Change(operation, body, () =>
    {
        change();
        return true;
    });

    /// <summary>Runs a change, and returns when it will last.</summary>
    private T Change<T>(string operation, Func<byte[]> body, Func<T> change) => Run(() =>
    {
        if (_journal is null)
        {
            return change();
        }

        T result = _journal.Run(operation, WireFormat.Json, body(), change);
        _journal.FlushedAsync().GetAwaiter().GetResult();
        return result;
    });
}
