using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Http.Codecs;

namespace FastConsumer.Testing.Http;

/// <summary>The shapes of the answers about settings, tags, policies and the account.</summary>
internal static class SettingAnswers
{
    public static void EnhancedMonitoring(WireWriter writer, MonitoringResult result)
    {
        writer.StartMap(4);
        writer.Pair("StreamName"u8, result.StreamName);
        Texts(writer, "CurrentShardLevelMetrics"u8, result.Current);
        Texts(writer, "DesiredShardLevelMetrics"u8, result.Desired);
        writer.Pair("StreamARN"u8, result.StreamArn);
        writer.EndMap();
    }

    public static void UpdateShardCount(WireWriter writer, UpdateShardCountResult result)
    {
        writer.StartMap(4);
        writer.Pair("StreamName"u8, result.StreamName);
        writer.Pair("CurrentShardCount"u8, result.CurrentShardCount);
        writer.Pair("TargetShardCount"u8, result.TargetShardCount);
        writer.Pair("StreamARN"u8, result.StreamArn);
        writer.EndMap();
    }

    public static void UpdateStreamWarmThroughput(WireWriter writer, UpdateWarmThroughputResult result)
    {
        writer.StartMap(3);
        writer.Pair("StreamARN"u8, result.StreamArn);
        writer.Pair("StreamName"u8, result.StreamName);
        WarmThroughput(writer, result.WarmThroughput);
        writer.EndMap();
    }

    public static void WarmThroughput(WireWriter writer, WarmThroughput warm)
    {
        writer.Name("WarmThroughput"u8);
        writer.StartMap(2);
        writer.Pair("TargetMiBps"u8, warm.TargetMiBps);
        writer.Pair("CurrentMiBps"u8, warm.CurrentMiBps);
        writer.EndMap();
    }

    public static void ListTagsForStream(WireWriter writer, ListTagsForStreamResult result)
    {
        writer.StartMap(2);
        Tags(writer, result.Tags);
        writer.Pair("HasMoreTags"u8, result.HasMoreTags);
        writer.EndMap();
    }

    public static void ListTagsForResource(WireWriter writer, IReadOnlyList<KeyValuePair<string, string>> tags)
    {
        writer.StartMap(1);
        Tags(writer, tags);
        writer.EndMap();
    }

    public static void GetResourcePolicy(WireWriter writer, string policy)
    {
        writer.StartMap(1);
        writer.Pair("Policy"u8, policy);
        writer.EndMap();
    }

    public static void DescribeLimits(WireWriter writer, DescribeLimitsResult limits)
    {
        writer.StartMap(4);
        writer.Pair("ShardLimit"u8, limits.ShardLimit);
        writer.Pair("OpenShardCount"u8, limits.OpenShardCount);
        writer.Pair("OnDemandStreamCount"u8, limits.OnDemandStreamCount);
        writer.Pair("OnDemandStreamCountLimit"u8, limits.OnDemandStreamCountLimit);
        writer.EndMap();
    }

    public static void AccountSettings(WireWriter writer, CommitmentView commitment)
    {
        (byte[] Name, long? Ms)[] times =
        [
            ("StartedAt"u8.ToArray(), commitment.StartedMs),
            ("EndedAt"u8.ToArray(), commitment.EndedMs),
            ("EarliestAllowedEndAt"u8.ToArray(), commitment.EarliestAllowedEndMs),
        ];
        writer.StartMap(1);
        writer.Name("MinimumThroughputBillingCommitment"u8);
        writer.StartMap(1 + times.Count(static time => time.Ms is not null));
        writer.Pair("Status"u8, commitment.Status);
        foreach ((byte[] name, long? ms) in times)
        {
            if (ms is { } unixMs)
            {
                writer.PairTimestamp(name, unixMs);
            }
        }

        writer.EndMap();
        writer.EndMap();
    }

    public static void Texts(WireWriter writer, ReadOnlySpan<byte> name, IReadOnlyList<string> texts)
    {
        writer.Name(name);
        writer.StartArray(texts.Count);
        foreach (string text in texts)
        {
            writer.Text(text);
        }

        writer.EndArray();
    }

    private static void Tags(WireWriter writer, IReadOnlyList<KeyValuePair<string, string>> tags)
    {
        writer.Name("Tags"u8);
        writer.StartArray(tags.Count);
        foreach ((string key, string value) in tags)
        {
            writer.StartMap(2);
            writer.Pair("Key"u8, key);
            writer.Pair("Value"u8, value);
            writer.EndMap();
        }

        writer.EndArray();
    }
}
