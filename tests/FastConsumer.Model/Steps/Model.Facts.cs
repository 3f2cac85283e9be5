namespace FastConsumer.Model;

// What follows from shards, records and keys. Sets of records have a bit for each; values and outputs have 2, which count.
internal abstract partial class Model
{
    private bool IsRoot(int shard) => Config.Parents[shard].Length == 0;

    private bool IsParentOf(int shard, int child) => Array.IndexOf(Config.Parents[child], shard) >= 0;

    private int All(int shard)
    {
        int mask = 0;
        foreach (int record in Config.Records[shard])
        {
            mask |= 1 << record;
        }

        return mask;
    }

    /// <summary>The watermark: how many records are done without a gap.</summary>
    private int Watermark(int shard, int done)
    {
        int count = 0;
        foreach (int record in Config.Records[shard])
        {
            if ((done & (1 << record)) == 0)
            {
                break;
            }

            count++;
        }

        return count;
    }

    private int UpTo(int shard, int position)
    {
        int mask = 0;
        for (int i = 0; i < position && i < Config.Records[shard].Length; i++)
        {
            mask |= 1 << Config.Records[shard][i];
        }

        return mask;
    }

    private bool HasRuns(int shard, int done) => (done & ~UpTo(shard, Watermark(shard, done))) != 0;

    /// <summary>The records that change nothing.</summary>
    private int WithoutEffect()
    {
        int mask = 0;
        for (int record = 0; record < Config.RecordCount; record++)
        {
            if (Config.Key[record] == Config.NoKey)
            {
                mask |= 1 << record;
            }
        }

        return mask;
    }

    private int Ancestors(int shard)
    {
        int mask = 0;
        foreach (int parent in Config.Parents[shard])
        {
            mask |= All(parent) | Ancestors(parent);
        }

        return mask;
    }

    /// <summary>What a key must hold: each record once.</summary>
    private ushort Expected(int shard, int key, int done)
    {
        if (!IsKeyOf(shard, key))
        {
            return 0;
        }

        int all = Ancestors(shard) | done;
        int value = 0;
        for (int record = 0; record < Config.RecordCount; record++)
        {
            if (Config.Key[record] == key && (all & (1 << record)) != 0)
            {
                value |= 1 << (2 * record);
            }
        }

        return (ushort)value;
    }

    private bool IsKeyOf(int shard, int key) => (Config.KeysIn[shard] & (1 << key)) != 0;

    /// <summary>Whether a record's turn has come: those of its key before it are done.</summary>
    private bool IsNext(int shard, int record, int done)
    {
        foreach (int other in Config.Records[shard])
        {
            if (other == record)
            {
                return true;
            }

            if (Config.Key[other] == Config.Key[record] && (done & (1 << other)) == 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Shards that end only in the real world are followed to their last record here.</summary>
    private bool IsLeaf(int shard)
    {
        if (Config.LeavesEnd)
        {
            return false;
        }

        for (int other = 0; other < Config.Shards; other++)
        {
            if (IsParentOf(shard, other))
            {
                return false;
            }
        }

        return true;
    }

    private static int Count(ushort counts, int record) => (counts >> (2 * record)) & 3;

    private static ushort Add(ushort counts, int record, int times = 1)
    {
        int sum = Math.Min(3, Count(counts, record) + times);
        return (ushort)((counts & ~(3 << (2 * record))) | (sum << (2 * record)));
    }

    private string Text(ushort counts)
    {
        List<string> parts = [];
        for (int record = 0; record < Config.RecordCount; record++)
        {
            if (Count(counts, record) > 0)
            {
                parts.Add($"r{record}x{Count(counts, record)}");
            }
        }

        return "{" + string.Join(",", parts) + "}";
    }

    private static char Letter(int index, char first) => (char)(first + index);

    private static ushort ValueAt(ref World s, sbyte range, int key)
    {
        if (range < 0)
        {
            return 0;
        }

        ref Part part = ref s.Segments[range >> 2].Parts[range & 3];
        return key == 0 ? part.ValueA : part.ValueB;
    }

    private static bool IsWhole(ref World s, sbyte range) => range < 0 || s.Segments[range >> 2].State == SegmentState.Whole;

    private static bool IsReadable(ref World s, int segment, int shard)
    {
        ref Part part = ref s.Segments[segment].Parts[shard];
        return s.Segments[segment].State == SegmentState.Whole && IsWhole(ref s, part.RangeA) && IsWhole(ref s, part.RangeB);
    }

    /// <summary>The segments of a snapshot: its manifest's, and those of its blocks.</summary>
    private static int SegmentsOf(ref World s, int shard, int handle)
    {
        if (handle < 0)
        {
            return 0;
        }

        int mask = 1 << handle;
        ref Part part = ref s.Segments[handle].Parts[shard];
        mask |= part.RangeA >= 0 ? 1 << (part.RangeA >> 2) : 0;
        mask |= part.RangeB >= 0 ? 1 << (part.RangeB >> 2) : 0;
        return mask;
    }
}
