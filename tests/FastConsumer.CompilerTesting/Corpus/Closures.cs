// Lambdas that run during the call, and lambdas that may run later.
using FastConsumer;

namespace Corpus.Closures;

[KinesisProcessor("clicks")]
public sealed partial class ClosureProcessor(IDeadLetters letters)
{
    private readonly Queue<Func<Task>> _work = [];

    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        int length = await Task.Run(() => record.Data.Length, cancellationToken);
        Func<int> now = () => record.Data.Length + length;
        Console.WriteLine(now());
        _work.Enqueue({|FC2005:() => letters.SendAsync("later", record.Data, cancellationToken)|});
        KinesisRecord owned = record.ToOwned();
        _work.Enqueue(() => letters.SendAsync("later", owned.Data, cancellationToken));
        {|FC2003:Task.Run(() => letters.SendAsync("now", {|FC2005:record|}.Data, cancellationToken), cancellationToken)|};
    }
}
