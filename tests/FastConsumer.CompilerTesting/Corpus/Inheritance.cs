// A template method in a base class.
using FastConsumer;

namespace Corpus.Inheritance;

public abstract class ProcessorBase
{
    private KinesisRecord _current;

    protected async Task RunAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        _current = {|FC2005:record|};
        Before(_current.PartitionKey);
        await RunCoreAsync(record.Data, cancellationToken);
    }

    protected virtual void Before(string key)
    {
        // never run: the processor overrides it
        throw new NotSupportedException(key);
    }

    protected abstract Task RunCoreAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken);
}

[KinesisProcessor("orders")]
public sealed partial class DerivedProcessor(IDeadLetters letters) : ProcessorBase
{
    [OnRecord]
    public Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken) => RunAsync(record, cancellationToken);

    protected override void Before(string key) => {|FC3001:Thread.Sleep(key.Length)|};

    protected override async Task RunCoreAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        await {|FC3002:letters.SendAsync("derived", data)|};
}
