using FastConsumer.Testing.Harness.Replay;

namespace FastConsumer.Testing.Harness;

/// <content>Saved records.</content>
public sealed partial class ProcessorHarness
{
    private ReplayStream? _replay;

    /// <summary>
    /// Runs the records of a file that <c>fastconsumer tail --save</c> has written, and waits until they are done. Handlers get them as
    /// they were: the file's shard ids, sequence and sub-sequence numbers, arrival times, partition and explicit hash keys, and payloads,
    /// the records of each shard in their order.
    /// </summary>
    /// <remarks>
    /// The consumer that runs is stopped gracefully, and another one, with new services, is started on a stream that is made of the file,
    /// at its first record and with leases of its own. From then on <see cref="WaitUntilDoneAsync"/>, <see cref="Checkpoints"/>,
    /// <see cref="CrashAsync"/> and <see cref="RestartAsync"/> are about that stream, and nothing can be put. Another call replays another
    /// file, or the same one from its first record.
    /// </remarks>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">It is no such file; the message names the line.</exception>
    /// <exception cref="RecordsNotDoneException">The time is over, or shards have stopped; the message says how far each of them is, and
    /// why.</exception>
    public async Task ReplayAsync(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ObjectDisposedException.ThrowIf(_disposed, this);
        SortedDictionary<string, List<SavedRecord>> records =
            await SavedRecordFile.ReadAsync(path, _options.CancellationToken).ConfigureAwait(false);
        if (records.Count == 0)
        {
            throw new InvalidDataException($"'{path}' holds no record: there is nothing to replay.");
        }

        await StopAsync().ConfigureAwait(false);
        _replay = new ReplayStream(records);
        await StartConsumerAsync().ConfigureAwait(false);
        await WaitUntilDoneAsync().ConfigureAwait(false);
    }
}
