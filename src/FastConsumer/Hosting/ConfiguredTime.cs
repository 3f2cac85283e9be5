using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace FastConsumer.Hosting;

/// <summary>
/// Reads <see cref="ConsumerSettings.StartTimestamp"/> of the configuration in UTC where it has no offset. The configuration binder takes such a
/// time in the zone of the machine, so that the same setting would mean another moment on each.
/// </summary>
internal static class ConfiguredTime
{
    /// <summary>Corrects what was bound. What the binder could not read has been refused by it.</summary>
    /// <param name="settings">The options as they were bound.</param>
    /// <param name="configuration">The host's configuration; null where there is none.</param>
    /// <param name="section">The section of the options.</param>
    public static void Correct(ConsumerSettings settings, IConfiguration? configuration, string section)
    {
        string? text = configuration?[$"{section}:{nameof(settings.StartTimestamp)}"];
        if (!string.IsNullOrEmpty(text)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time))
        {
            settings.StartTimestamp = time;
        }
    }
}
