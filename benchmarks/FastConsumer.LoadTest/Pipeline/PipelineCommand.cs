using System.CommandLine;
using System.Globalization;
using FastConsumer.Processors;

namespace FastConsumer.LoadTest.Pipeline;

/// <summary>Generated pipelines against loops by hand, on records that lie in memory.</summary>
internal static class PipelineCommand
{
    private const int RecordsPerCheckpoint = CheckpointAttribute.DefaultRecords;

    public static Command Create()
    {
        var rounds = new Option<int>("--rounds") { Description = "How often each has its turn.", DefaultValueFactory = static _ => 41 };
        var records = new Option<int>("--records") { Description = "Records of a page.", DefaultValueFactory = static _ => 500 };
        var command =
            new Command("pipeline", "The generated pipeline against a loop written by hand, in turns, by CPU time.") { rounds, records };
        command.SetAction((arguments, _) =>
        {
            foreach (int size in new[] { 100, 1024 })
            {
                foreach (PipelineFigures figures in Run(arguments.GetValue(records), size, arguments.GetValue(rounds)))
                {
                    Console.WriteLine(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{figures.Handler,-12} {figures.Size,5} B: generated {figures.Generated,8:F2} ns, by hand "
                            + $"{figures.HandWritten,8:F2} ns per record, ratio {figures.Ratio:F3}; allocated {figures.GeneratedAllocated} "
                            + $"and {figures.HandWrittenAllocated} B per page of {arguments.GetValue(records)}"));
                }
            }

            return Task.FromResult(0);
        });
        return command;
    }

    public static IEnumerable<PipelineFigures> Run(int records, int size, int rounds)
    {
        using var page = PipelinePages.OfJson(records, size);
        var length = new LengthProcessor();
        yield return Compare("length", length, new HandWrittenLoop<LengthByHand>(new LengthByHand(length), RecordsPerCheckpoint).Run);
        var raw = new RawProcessor();
        yield return Compare("raw", raw, new HandWrittenLoop<RawByHand>(new RawByHand(raw), RecordsPerCheckpoint).Run);
        var memory = new ValueTaskProcessor();
        yield return Compare(
            "ValueTask", memory, new HandWrittenLoop<ValueTaskByHand>(new ValueTaskByHand(memory, page.Buffer), RecordsPerCheckpoint).Run);
        var batch = new BatchProcessor();
        yield return Compare("batch", batch, new HandWrittenBatches(batch, maxRecords: 500, OnBatchAttribute.DefaultMaxBytes).Run);
        var json = new JsonProcessor();
        yield return Compare(
            "JSON", json, new HandWrittenLoop<JsonByHand>(new JsonByHand(json, PipelineJson.Default.OrderEvent), RecordsPerCheckpoint).Run);

        PipelineFigures Compare<TProcessor>(string handler, TProcessor processor, Func<PipelinePages, Progress, int> byHand)
            where TProcessor : class, IKinesisProcessor<TProcessor>
        {
            var generated = new GeneratedLoop<TProcessor>(processor, RecordsPerCheckpoint);
            double[][] turns = Turns.Run(
                rounds,
                page.Count,
                () => Check(generated.Run(page.Arrive())),
                () => Check(byHand(page, new Progress())));
            return new PipelineFigures
            {
                Handler = handler,
                Size = size,
                Rounds = rounds,
                Generated = Turns.Median(turns[0]),
                HandWritten = Turns.Median(turns[1]),
                Ratio = Turns.Median(turns[0].Zip(turns[1], static (mine, theirs) => mine / theirs)),
                GeneratedAllocated = Allocated(static (loop, arrived) => loop.Run(arrived), generated, page.Arrive()),
                HandWrittenAllocated = Allocated(
                    static (loop, pages) => loop.Run(pages.Page, pages.Progress),
                    new { Run = byHand },
                    (Page: page, Progress: new Progress())),
            };
        }

        long Allocated<TLoop, TInput>(Func<TLoop, TInput, int> run, TLoop loop, TInput input)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Check(run(loop, input));
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        void Check(int done)
        {
            if (done != page.Count)
            {
                throw new InvalidOperationException($"{done} of {page.Count} records are done.");
            }
        }
    }
}
