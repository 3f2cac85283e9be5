using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace QuickStart;

/// <summary>The consumer as an application would host it.</summary>
internal static class Consumer
{
    public static IHost Build(
        Tally tally, Action<FastConsumerOptions> options, Action<ProcessorOptions> processor, Action<FastConsumerBuilder> leases)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders().AddProvider(new NoteLogger(tally));
        builder.Services.AddSingleton(tally);
        FastConsumerBuilder consumer = builder.Services.AddFastConsumer(options).AddProcessor<SeismicProcessor>(processor);
        leases(consumer);
        return builder.Build();
    }
}
