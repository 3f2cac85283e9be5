using System.Text;
using Microsoft.Extensions.Configuration;

namespace FastConsumer.Integration.Worker;

/// <summary>
/// Prints a line for each record: shard, sequence number, fencing token, payload. With <c>--pause</c> it takes that long before. On a
/// record with the payload of <c>--hang</c> it hangs instead, whatever its token says, and prints that the token was cancelled. When there
/// is a file named after <c>--late</c> and the shard, it asks for a checkpoint, and prints what it got.
/// </summary>
[KinesisProcessor("set-by-options")]
internal sealed partial class PrintingProcessor(IConfiguration configuration, TimeProvider time)
{
    private readonly TimeSpan _pause = configuration.GetValue<TimeSpan>("pause");
    private readonly string? _hang = configuration.GetValue<string>("hang");
    private readonly string? _late = configuration.GetValue<string>("late");

    [OnRecord]
    private async Task PrintAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken)
    {
        string payload = Encoding.UTF8.GetString(record.DataSpan);
        if (payload == _hang)
        {
            await HangAsync(context, cancellationToken);
        }

        if (_pause > TimeSpan.Zero)
        {
            await Task.Delay(_pause, time, cancellationToken);
        }

        Console.WriteLine($"record {context.ShardId} {record.SequenceNumber} {context.FencingToken} {payload}");
    }

    private async Task HangAsync(RecordContext context, CancellationToken cancellationToken)
    {
        Console.WriteLine($"hangs {context.ShardId}");
        await using (cancellationToken.UnsafeRegister(_ => Console.WriteLine($"cancelled {context.ShardId}"), null))
        {
            while (!File.Exists($"{_late}.{context.ShardId}"))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), time, CancellationToken.None);
            }

            Task checkpoint = context.CheckpointAsync(CancellationToken.None).AsTask();
            await checkpoint.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
            Console.WriteLine(checkpoint switch
            {
                { IsCompletedSuccessfully: true } => $"checkpointed {context.ShardId}",
                { IsCanceled: true } => $"refused {context.ShardId} {nameof(OperationCanceledException)}",
                _ => $"refused {context.ShardId} {checkpoint.Exception!.InnerException!.GetType().Name}",
            });
            await Task.Delay(Timeout.InfiniteTimeSpan, time, CancellationToken.None);
        }
    }
}
