using System.Collections.Concurrent;

namespace FastConsumer.Dashboard.Tests.Hosting;

/// <summary>The texts that were handled.</summary>
internal sealed class Done : ConcurrentQueue<string>;

/// <summary>Handles texts, and stops in front of those that begin with "poison".</summary>
[KinesisProcessor("events")]
[OnError(typeof(NotSupportedException), ErrorAction.Stop)]
internal sealed partial class TextProcessor(Done done)
{
    [OnRecord]
    private void Handle(string text)
    {
        if (text.StartsWith("poison", StringComparison.Ordinal))
        {
            throw new NotSupportedException($"secret of {text}");
        }

        done.Enqueue(text);
    }
}
