using System.Text;
using Microsoft.Extensions.Configuration;

namespace FastConsumer.Integration.Worker;

/// <summary>Prints a line for each record: shard, sequence number, fencing token, payload. With <c>--pause</c> it takes that long before.</summary>
[KinesisProcessor("set-by-options")]
internal sealed partial class PrintingProcessor(IConfiguration configuration, TimeProvider time)
{
    private readonly TimeSpan _pause = configuration.GetValue<TimeSpan>("pause");

    [OnRecord]
    private async Task PrintAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken)
    {
        if (_pause > TimeSpan.Zero)
        {
            await Task.Delay(_pause, time, cancellationToken);
        }

        Console.WriteLine($"record {context.ShardId} {record.SequenceNumber} {context.FencingToken} {Encoding.UTF8.GetString(record.DataSpan)}");
    }
}
