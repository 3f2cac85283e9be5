using FastConsumer.Testing.Http.Codecs;

namespace FastConsumer.Testing.Http;

/// <summary>
/// How an answer is written: a head, then parts, then a tail. Between parts the connection may be flushed, so a large
/// answer need not be held as a whole. Writing twice gives the same bytes: once to count them, once to send them.
/// </summary>
internal sealed class Answer(Action<WireWriter> head, int parts = 0, Action<WireWriter, int>? part = null, Action<WireWriter>? tail = null)
{
    public int Parts => parts;

    public void WriteHead(WireWriter writer) => head(writer);

    public void WritePart(WireWriter writer, int index) => part!(writer, index);

    public void WriteTail(WireWriter writer) => tail?.Invoke(writer);

    public void Write(WireWriter writer)
    {
        head(writer);
        for (int i = 0; i < parts; i++)
        {
            part!(writer, i);
        }

        tail?.Invoke(writer);
    }
}
