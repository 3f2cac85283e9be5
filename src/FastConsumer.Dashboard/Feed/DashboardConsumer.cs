using FastConsumer.Dispatch;
using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Dashboard.Feed;

/// <summary>One consumer of the host.</summary>
internal sealed class DashboardConsumer(FastConsumerBuilder builder, ConsumerService service, IServiceProvider services)
{
    /// <summary>Its name; empty for the unnamed one.</summary>
    public string Name => builder.Name;

    /// <summary>Its workers, and what operators can do.</summary>
    public ConsumerService Service => service;

    /// <summary>The kind of place where its dead letters lie; null where there is none. Asked for after the start only.</summary>
    public string? DeadLetters => services.GetKeyedService<IDeadLetterSink>(builder.Name) switch
    {
        null => null,
        StreamDeadLetterSink => "another stream",
        FileDeadLetterSink => "a file of this worker",
        LogDeadLetterSink => "the log (positions only)",
        var own => own.GetType().Name,
    };
}
