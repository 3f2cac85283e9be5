using System.Collections.Concurrent;
using FastConsumer;
using FastConsumer.Payloads;

[KinesisProcessor("application-logs")]
public sealed partial class Logs(ConcurrentQueue<string> lines)
{
    [OnRecord]
    public void Handle([Deserializer(typeof(CloudWatchLogsDeserializer))] CloudWatchLogsMessage message)
    {
        // a message by which the service checks that the stream can be reached has no events
        foreach (CloudWatchLogEvent logEvent in message.LogEvents)
        {
            lines.Enqueue($"{message.LogGroup} {logEvent.Time:O} {logEvent.Message}");
        }
    }
}
