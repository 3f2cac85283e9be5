// A processor in two files: the handlers here, the work in the other.
using FastConsumer;

namespace Corpus.PartialClass;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class TwoFileProcessor
{
    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(Order order, CancellationToken cancellationToken) =>
        await SaveAsync(order, cancellationToken);
}
