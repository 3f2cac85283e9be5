// Synchronous I/O where an asynchronous twin exists.
using System.IO;
using FastConsumer;

namespace Corpus.Files;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[OnError(typeof(IOException), ErrorAction.Retry)]
public sealed partial class FileProcessor
{
    private readonly SemaphoreSlim _gate = new(1);

    [OnRecord]
    public async Task HandleAsync(Order order, [FromServices] KinesisNote note, CancellationToken cancellationToken)
    {
        {|FC3001:_gate.Wait(cancellationToken)|};
        try
        {
            {|FC3001:File.AppendAllText("orders.txt", order.Id)|};
            await File.AppendAllTextAsync("orders.txt", note.Text, cancellationToken);
            await {|FC3002:File.AppendAllTextAsync("orders.txt", order.Customer)|};
        }
        finally
        {
            _gate.Release();
        }

        using var memory = new MemoryStream();
        memory.Write([1, 2, 3]);
        memory.Flush();
        await memory.CopyToAsync(Stream.Null, cancellationToken);
    }
}

public sealed class KinesisNote
{
    public string Text { get; set; } = "";
}
