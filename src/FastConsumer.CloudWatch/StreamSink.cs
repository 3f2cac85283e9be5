namespace FastConsumer.CloudWatch;

/// <summary>Writes to a stream, such as standard output.</summary>
/// <param name="name">What it is called in the log.</param>
/// <param name="output">The stream. It is left open: standard output is the process' own.</param>
internal sealed class StreamSink(string name, Stream output) : IEmfSink
{
    public string Name => name;

    public async Task WriteAsync(IReadOnlyList<ReadOnlyMemory<byte>> lines, CancellationToken cancellationToken)
    {
        foreach (ReadOnlyMemory<byte> line in lines)
        {
            // a whole line at once, so that a line of somebody else's does not come between
            await output.WriteAsync(line, cancellationToken);
        }

        await output.FlushAsync(cancellationToken);
    }

    public void Dispose()
    {
        // the stream is not its own
    }
}
