namespace FastConsumer.Hosting;

/// <summary>Finds settings of enhanced fan-out that have no effect, since what they are set for is read by polling.</summary>
internal static class UnusedSettings
{
    /// <summary>The settings, by their full names.</summary>
    /// <param name="consumer">The consumer.</param>
    /// <param name="shared">Its options.</param>
    /// <param name="processors">Its processors with their own options.</param>
    public static IEnumerable<string> Find(
        FastConsumerBuilder consumer, FastConsumerOptions shared, IReadOnlyList<(ProcessorRegistration Processor, ProcessorOptions Own)> processors)
    {
        bool Polls(ProcessorOptions own) => (own.ReadMode ?? shared.ReadMode ?? ReadMode.Polling) == ReadMode.Polling;

        IEnumerable<string> ofConsumer = processors.All(processor => Polls(processor.Own)) ? Set(shared, consumer.ConfigurationSection) : [];
        return ofConsumer.Concat(processors
            .Where(processor => Polls(processor.Own))
            .SelectMany(processor => Set(processor.Own, consumer.SectionOf(processor.Processor.Name))));
    }

    private static IEnumerable<string> Set(ConsumerSettings settings, string section)
    {
        if (settings.ConsumerName is not null)
        {
            yield return $"{section}:{nameof(settings.ConsumerName)}";
        }

        if (settings.FanOutFallback is not null)
        {
            yield return $"{section}:{nameof(settings.FanOutFallback)}";
        }

        if (settings.StreamWindowBytes is not null)
        {
            yield return $"{section}:{nameof(settings.StreamWindowBytes)}";
        }
    }
}
