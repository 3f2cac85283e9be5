using FastConsumer.Diagnostics;
using Microsoft.Extensions.Configuration;

namespace FastConsumer.Hosting;

/// <summary>
/// Finds keys and sections in the configuration of a host's consumers that nothing reads, which are usually misspelt. Binding ignores them.
/// </summary>
internal static class ConfigurationKeys
{
    private const string Processors = "Processors";
    private const string Consumers = "Consumers";
    private const string Code = nameof(ConsumerSettings.Credentials);

    // the lease store may be another one in development, and the section stays
    private const string DynamoDb = "DynamoDb";

    private static readonly string[] s_ofConsumer =
        [.. typeof(FastConsumerOptions).GetProperties().Select(static property => property.Name)];

    private static readonly string[] s_ofProcessor =
        [.. typeof(ProcessorOptions).GetProperties().Select(static property => property.Name)];

    private static readonly string[] s_ofTelemetry =
        [.. typeof(TelemetryOptions).GetProperties().Select(static property => property.Name)];

    private static readonly string[] s_ofFinding =
        [.. typeof(FindingOptions).GetProperties().Select(static property => property.Name)];

    private static readonly string[] s_ofCheckpointing =
        [.. typeof(CheckpointingOptions).GetProperties().Select(static property => property.Name)];

    private static readonly string[] s_ofLag = [.. typeof(LagOptions).GetProperties().Select(static property => property.Name)];

    /// <summary>A sentence for each key or section that has no effect, with what may have been meant.</summary>
    /// <param name="configuration">The host's configuration.</param>
    /// <param name="consumers">The consumers that were added.</param>
    public static IEnumerable<string> FindUnknown(IConfiguration configuration, IReadOnlyList<FastConsumerBuilder> consumers) =>
        consumers.SelectMany(consumer => FindUnknown(configuration.GetSection(consumer.ConfigurationSection), consumer, consumers));

    private static IEnumerable<string> FindUnknown(
        IConfigurationSection section, FastConsumerBuilder consumer, IReadOnlyList<FastConsumerBuilder> consumers)
    {
        string[] further = [.. consumers.Where(static other => other.Name.Length > 0).Select(static other => other.Name)];
        string[] processors = [.. consumer.Processors.Select(static processor => processor.Name)];
        string[] consumersSection = consumer.Name.Length == 0 ? [Consumers] : [];
        string[] known = [.. s_ofConsumer, Processors, DynamoDb, .. consumer.Sections.Keys, .. consumersSection];
        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (!Contains(known, child.Key))
            {
                yield return Contains(s_ofProcessor, child.Key)
                    ? $"{child.Path} has no effect: {child.Key} is set for one processor, in "
                        + $"{section.Path}:{Processors}:<class name>:{child.Key}."
                    : Unknown(child, "is not a setting of FastConsumer", known);
            }
            else if (Is(child.Key, Code))
            {
                yield return CodeOnly(child);
            }
            else if (Is(child.Key, Processors))
            {
                foreach (string warning in Named(child, processors, "no processor of this name was added", FindUnknownOfProcessor))
                {
                    yield return warning;
                }
            }
            else if (consumer.Name.Length == 0 && Is(child.Key, Consumers))
            {
                const string Complaint = "no consumer of this name was added with AddFastConsumer(name)";
                foreach (string warning in Named(child, further, Complaint, static _ => []))
                {
                    yield return warning;
                }
            }
            else if (Is(child.Key, nameof(FastConsumerOptions.Findings)))
            {
                // an id that is none is refused when the host starts
                foreach (IConfigurationSection setting in child.GetChildren().SelectMany(static finding => finding.GetChildren())
                    .Where(static setting => !Contains(s_ofFinding, setting.Key)))
                {
                    yield return Unknown(setting, "is not a setting of a finding", s_ofFinding);
                }
            }
            else if (KeysOf(consumer, child.Key) is { } keys)
            {
                foreach (IConfigurationSection setting in child.GetChildren().Where(setting => !Contains(keys, setting.Key)))
                {
                    yield return Unknown(setting, "is not a setting of this section", keys);
                }
            }
        }
    }

    private static IReadOnlyList<string>? KeysOf(FastConsumerBuilder consumer, string section) =>
        Is(section, nameof(FastConsumerOptions.Telemetry)) ? s_ofTelemetry
        : Is(section, nameof(FastConsumerOptions.Lag)) ? s_ofLag
        : Is(section, nameof(ConsumerSettings.Checkpointing)) ? s_ofCheckpointing
        : consumer.Sections.GetValueOrDefault(section);

    private static IEnumerable<string> FindUnknownOfProcessor(IConfigurationSection section)
    {
        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (Is(child.Key, Code))
            {
                yield return CodeOnly(child);
            }
            else if (!Contains(s_ofProcessor, child.Key))
            {
                yield return Contains(s_ofConsumer, child.Key)
                    ? $"{child.Path} has no effect: {child.Key} is set for the whole consumer, not for one processor."
                    : Unknown(child, "is not a setting of a processor", s_ofProcessor);
            }
            else if (Is(child.Key, nameof(ConsumerSettings.Checkpointing)))
            {
                foreach (IConfigurationSection setting in child.GetChildren().Where(static key => !Contains(s_ofCheckpointing, key.Key)))
                {
                    yield return Unknown(setting, "is not a setting of this section", s_ofCheckpointing);
                }
            }
        }
    }

    private static IEnumerable<string> Named(
        IConfigurationSection section, string[] names, string complaint, Func<IConfigurationSection, IEnumerable<string>> inside) =>
        section.GetChildren().SelectMany(child =>
            Contains(names, child.Key) ? inside(child) : [Unknown(child, $"has no effect, since {complaint}", names)]);

    private static string Unknown(IConfigurationSection key, string complaint, IEnumerable<string> known)
    {
        string effect = complaint.Contains("no effect", StringComparison.Ordinal) ? "" : " and has no effect";
        string path = key.Path[..^key.Key.Length];
        string question = Nearest(key.Key, known) is { } nearest ? $" Did you mean {path}{nearest}?" : "";
        return $"{key.Path} {complaint}{effect}.{question}";
    }

    private static string CodeOnly(IConfigurationSection key) =>
        $"{key.Path} has no effect: credentials are set in code only. Use a profile (Profile) or what every AWS SDK reads "
            + "(AWS_ACCESS_KEY_ID, a role).";

    private static bool Contains(IEnumerable<string> names, string name) => names.Contains(name, StringComparer.OrdinalIgnoreCase);

    private static bool Is(string key, string name) => key.Equals(name, StringComparison.OrdinalIgnoreCase);

    /// <summary>The name that a misspelt one most likely means; null where none is near.</summary>
    internal static string? Nearest(string name, IEnumerable<string> known) => known
        .Where(static candidate => candidate != Code)
        .Select(candidate => (Name: candidate, Distance: Distance(name, candidate)))
        .Where(candidate => candidate.Distance <= Math.Max(1, Math.Min(name.Length, candidate.Name.Length) / 3))
        .OrderBy(static candidate => candidate.Distance)
        .Select(static candidate => candidate.Name)
        .FirstOrDefault();

    /// <summary>
    /// How many letters are to be added, removed, changed or swapped with their neighbours (optimal string alignment), whatever their case.
    /// </summary>
    private static int Distance(string left, string right)
    {
        int[,] distances = new int[left.Length + 1, right.Length + 1];
        for (int i = 0; i <= left.Length; i++)
        {
            for (int j = 0; j <= right.Length; j++)
            {
                distances[i, j] = i == 0 || j == 0
                    ? i + j
                    : Math.Min(
                        Math.Min(distances[i - 1, j], distances[i, j - 1]) + 1,
                        distances[i - 1, j - 1] + (Equal(left[i - 1], right[j - 1]) ? 0 : 1));
                if (i > 1 && j > 1 && Equal(left[i - 1], right[j - 2]) && Equal(left[i - 2], right[j - 1]))
                {
                    distances[i, j] = Math.Min(distances[i, j], distances[i - 2, j - 2] + 1);
                }
            }
        }

        return distances[left.Length, right.Length];

        static bool Equal(char one, char other) => char.ToUpperInvariant(one) == char.ToUpperInvariant(other);
    }
}
