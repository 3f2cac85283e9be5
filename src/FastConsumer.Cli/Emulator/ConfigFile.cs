using System.Text.Json;
using FastConsumer.Testing;

namespace FastConsumer.Cli.Emulator;

/// <summary>
/// The streams of a file in JSON: <c>{"version": 1, "streams": [{"name": "orders", "shards": 4}]}</c>. A property that is not known
/// is refused, so that a misspelt one is not passed over.
/// </summary>
internal sealed class ConfigFile
{
    private const int Version = 1;
    private const int ShortestRetentionHours = 24;
    private const int LongestRetentionHours = 365 * 24;
    private const int KiB = 1024;
    private static readonly JsonDocumentOptions Reading = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    private readonly string _path;

    private ConfigFile(string path) => _path = path;

    /// <exception cref="ConfigFileException">The file cannot be read, or says what is not understood.</exception>
    public static IReadOnlyList<EmbeddedStream> Read(string path) => new ConfigFile(path).Read();

    private EmbeddedStream[] Read()
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(_path), Reading);
            return Streams(new ConfigNode(_path, "", document.RootElement));
        }
        catch (JsonException exception)
        {
            throw new ConfigFileException($"{_path} is no JSON: {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigFileException($"{_path} cannot be read: {exception.Message}", exception);
        }
    }

    private static EmbeddedStream[] Streams(ConfigNode root)
    {
        root.RequireObject("version", "streams");
        int version = root.Required("version").Integer(1, int.MaxValue, "the version of the file's format");
        if (version != Version)
        {
            throw root.Required("version").Wrong($"is not known to this version of the tool: it reads version {Version}");
        }

        List<EmbeddedStream> streams = [];
        foreach (ConfigNode node in root.Required("streams").Items())
        {
            EmbeddedStream stream = Stream(node);
            if (streams.Any(other => other.Name == stream.Name))
            {
                throw node.Required("name").Wrong("names a stream that was named before: give each stream once");
            }

            streams.Add(stream);
        }

        return [.. streams];
    }

    private static EmbeddedStream Stream(ConfigNode node)
    {
        node.RequireObject("name", "shards", "onDemand", "retentionHours", "maxRecordBytes", "encryptionKeyId", "tags", "consumers");
        ConfigNode? shards = node.Optional("shards");
        bool onDemand = node.Optional("onDemand")?.Flag() ?? false;
        if (onDemand && shards is not null)
        {
            throw shards.Value.Wrong("is given together with \"onDemand\": true: leave one of them out");
        }

        ConfigNode? largest = node.Optional("maxRecordBytes");
        int? maxRecordBytes = largest?.Integer(KiB * KiB, 10 * KiB * KiB, "the largest record's bytes");
        return maxRecordBytes % KiB > 0
            ? throw largest!.Value.Wrong("is not in whole KiB: give a multiple of 1024, for example 2097152")
            : new EmbeddedStream(node.Required("name").Name())
            {
                ShardCount = onDemand ? null : shards?.Integer(1, int.MaxValue, "a number of shards") ?? 1,
                RetentionHours = node.Optional("retentionHours")?.Integer(
                    ShortestRetentionHours, LongestRetentionHours, "the hours of retention") ?? ShortestRetentionHours,
                MaxRecordBytes = maxRecordBytes,
                EncryptionKeyId = node.Optional("encryptionKeyId")?.Text(),
                Tags = node.Optional("tags")?.Texts() ?? new Dictionary<string, string>(),
                Consumers = [.. node.Optional("consumers")?.Items().Select(static consumer => consumer.Name()) ?? []],
            };
    }
}
