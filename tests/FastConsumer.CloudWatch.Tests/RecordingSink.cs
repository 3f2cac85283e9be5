using System.Text;
using System.Threading.Channels;

namespace FastConsumer.CloudWatch.Tests;

/// <summary>Keeps what is written, interval by interval; fails where it is told to.</summary>
internal sealed class RecordingSink : IEmfSink
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Channel<string[]> _batches = Channel.CreateUnbounded<string[]>();

    public string Name => "the test";

    /// <summary>What writing fails with; null where it does not.</summary>
    public Exception? Failure { get; set; }

    public Task WriteAsync(IReadOnlyList<ReadOnlyMemory<byte>> lines, CancellationToken cancellationToken)
    {
        // told in both cases, so that a test knows when it was tried
        Assert.True(_batches.Writer.TryWrite([.. lines.Select(static line => Encoding.UTF8.GetString(line.Span))]));
        return Failure is null ? Task.CompletedTask : Task.FromException(Failure);
    }

    /// <summary>The lines of the next interval, without their line feeds.</summary>
    public async Task<string[]> NextAsync()
    {
        string[] batch = await _batches.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask()
            .WaitAsync(s_patience, TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.All(batch, static line => Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal)));
        return [.. batch.Select(static line => line.TrimEnd('\n'))];
    }

    public bool IsEmpty => !_batches.Reader.TryPeek(out _);

    public void Dispose()
    {
        // the test reads on after the host's end
    }
}
