using FastConsumer.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FastConsumer.Hosting;

/// <summary>All consumers of a host. What concerns them together is checked once, before the first of them starts.</summary>
internal sealed class HostConsumers(IServiceProvider services)
{
    private readonly Lock _lock = new();
    private bool _isChecked;

    /// <summary>Checks the options of all consumers, and warns of what they cannot keep.</summary>
    /// <exception cref="OptionsValidationException">The options of one of them cannot work.</exception>
    public void Check()
    {
        lock (_lock)
        {
            if (_isChecked)
            {
                return;
            }

            ILogger log = services.GetRequiredService<ILoggerFactory>().CreateLogger("FastConsumer");
            FastConsumerBuilder[] consumers = [.. services.GetServices<FastConsumerBuilder>()];
            IOptionsMonitor<FastConsumerOptions> options = services.GetRequiredService<IOptionsMonitor<FastConsumerOptions>>();
            IOptionsMonitor<ProcessorOptions> processorOptions = services.GetRequiredService<IOptionsMonitor<ProcessorOptions>>();
            foreach (FastConsumerBuilder consumer in consumers)
            {
                FastConsumerOptions shared = options.Get(consumer.Name);
                (ProcessorRegistration, ProcessorOptions)[] processors =
                    [.. consumer.Processors.Select(processor => (processor, processorOptions.Get(consumer.OptionsName(processor))))];
                foreach (string setting in UnusedSettings.Find(consumer, shared, processors))
                {
                    ConsumerLog.UnusedSetting(log, setting);
                }

                if (!consumer.Processors.Any(static processor => processor.StateVersion > 0))
                {
                    foreach (string name in SettingsValidation.CheckpointingOfState(shared.Checkpointing))
                    {
                        ConsumerLog.UnknownKey(
                            log,
                            $"{consumer.ConfigurationSection}:{nameof(shared.Checkpointing)}:{name} has no effect, since no processor "
                                + "declares a [State]. Remove it.");
                    }
                }
            }

            WarnOfShutdownTimeout(log, consumers.Select(consumer => (consumer, options.Get(consumer.Name).StopTimeout)));
            WarnOfUnknownKeys(log, consumers);
            _isChecked = true;
        }
    }

    /// <summary>All consumers stop at the same time, so the longest time counts, and not the sum.</summary>
    private void WarnOfShutdownTimeout(ILogger log, IEnumerable<(FastConsumerBuilder Consumer, TimeSpan StopTimeout)> consumers)
    {
        if (services.GetService<IOptions<HostOptions>>()?.Value.ShutdownTimeout is not TimeSpan shutdown)
        {
            return;
        }

        string[] tooLong = [.. consumers.Where(consumer => consumer.StopTimeout >= shutdown)
            .Select(static consumer => $"{consumer.Consumer.ConfigurationSection}:StopTimeout ({consumer.StopTimeout})")];
        if (tooLong.Length > 0)
        {
            ConsumerLog.StopTimeoutTooLong(log, string.Join(" and ", tooLong), shutdown);
            foreach ((FastConsumerBuilder consumer, TimeSpan stopTimeout) in consumers.Where(consumer => consumer.StopTimeout >= shutdown))
            {
                services.GetRequiredKeyedService<Findings>(consumer.Name).Raise(
                    FindingRules.StopTimeoutTooLong,
                    consumer.ConfigurationSection,
                    $"{consumer.ConfigurationSection}:StopTimeout is {stopTimeout}, and the host ends the process after {shutdown}: "
                        + "leases may stay until they expire.");
            }
        }
    }

    private void WarnOfUnknownKeys(ILogger log, FastConsumerBuilder[] consumers)
    {
        if (services.GetService<IConfiguration>() is { } configuration)
        {
            foreach (string warning in ConfigurationKeys.FindUnknown(configuration, consumers))
            {
                ConsumerLog.UnknownKey(log, warning);
            }
        }
    }
}
