// The shape of KCL's samples for checkpoints: now and then, with retries, giving up with a line in the log.
using System.IO;
using System.Text;
using FastConsumer;
using Microsoft.Extensions.Logging;

namespace Corpus.KclCheckpoint;

[KinesisProcessor("sample")]
public sealed partial class CheckpointingProcessor(TimeProvider time, ILogger<CheckpointingProcessor> log)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private const int NumRetries = 10;
    private DateTimeOffset _nextCheckpoint;

    [OnRecord]
    public async Task ProcessAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken)
    {
        using (var reader = new StreamReader(new MemoryStream(record.Data.ToArray()), Encoding.UTF8))
        {
            log.LogInformation("Data: {Data}", reader.ReadToEnd());
        }

        if (time.GetUtcNow() >= _nextCheckpoint)
        {
            await CheckpointAsync(context, cancellationToken);
            _nextCheckpoint = time.GetUtcNow() + Interval;
        }
    }

    private async Task CheckpointAsync(RecordContext context, CancellationToken cancellationToken)
    {
        for (int i = 0; i < NumRetries; i++)
        {
            try
            {
                await context.CheckpointAsync(cancellationToken);
                break;
            }
            {|FC2004:catch (LeaseLostException e)|}
            {
                log.LogInformation(e, "Caught shutdown exception, skipping checkpoint.");
                break;
            }
            catch (TimeoutException e)
            {
                if (i >= NumRetries - 1)
                {
                    log.LogError(e, "Checkpoint failed after {Attempts} attempts.", i + 1);
                    break;
                }

                log.LogInformation("Transient issue when checkpointing.");
            }

            await Task.Delay(1000, cancellationToken);
        }
    }
}
