// Resilience through a pipeline from DI.
using System.Net.Http;
using FastConsumer;
using Polly;

namespace Corpus.Pipelines;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class ResilientProcessor(ResiliencePipeline pipeline, HttpClient http)
{
    [OnRecord]
    public ValueTask HandleAsync(Order order, CancellationToken cancellationToken) => pipeline.ExecuteAsync(
        async token =>
        {
            using HttpResponseMessage response = await http.GetAsync($"/orders/{order.Id}", token);
            response.EnsureSuccessStatusCode();
        },
        cancellationToken);
}
