// IAsyncEnumerable, await using, local functions.
using System.IO;
using System.Runtime.CompilerServices;
using FastConsumer;

namespace Corpus.AsyncStreams;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[OnError(typeof(IOException), ErrorAction.Retry)]
public sealed partial class StreamingProcessor(IOrderBook book)
{
    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(Order order, CancellationToken cancellationToken)
    {
        await foreach (string line in {|FC3002:LinesAsync(order)|})
        {
            await AddAsync(line);
        }

        async Task AddAsync(string line)
        {
            if (line.Length == 0)
            {
                throw new InvalidOperationException("An order has an empty line.");
            }

            await book.AddAsync(order with { Id = line }, cancellationToken);
        }
    }

    private static async IAsyncEnumerable<string> LinesAsync(
        Order order, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using var file = new FileStream(order.Id, FileMode.Open, FileAccess.Read, FileShare.Read, 4096, useAsync: true);
        using var reader = new StreamReader(file);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            yield return line;
        }
    }
}
