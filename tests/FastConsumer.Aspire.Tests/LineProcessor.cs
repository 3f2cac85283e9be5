using System.Collections.Concurrent;

namespace FastConsumer.Aspire.Tests;

[KinesisProcessor("orders")]
internal sealed partial class LineProcessor(ConcurrentQueue<string> lines)
{
    [OnRecord]
    public void Handle(string line) => lines.Enqueue(line);
}
