using System;
using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("lines")]
public partial class Lines
{
    // its generated field has another name
    private readonly int __words = 1;

    [Output("words.v2")]
    protected virtual partial Output<string?> Words { get; }

    [Filter]
    public static bool IsOfInterest(ReadOnlySpan<byte> data) => data.Length > 0;

    [OnRecord]
    public void Handle(string line, RecordContext context)
    {
        foreach (string word in line.Split(' '))
        {
            Words.Add(context, word.Length > __words ? word : null);
        }
    }
}

[KinesisProcessor("lines")]
public sealed partial class LinesOfBatch
{
    [Output("words")]
    private partial Output<string> Words { get; }

    [OnBatch]
    public void Handle(ReadOnlyMemory<string> lines, BatchContext context)
    {
        for (int i = 0; i < lines.Length; i++)
        {
            Words.Add(context, i, lines.Span[i]);
        }
    }
}
