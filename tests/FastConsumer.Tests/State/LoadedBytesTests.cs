using FastConsumer.State;
using FastConsumer.State.Format;

namespace FastConsumer.Tests.State;

/// <summary>What a restore keeps does not change with the memory that it was read into, and does not keep that.</summary>
public sealed class LoadedBytesTests
{
    [Fact]
    public void What_is_kept_stays_when_the_bytes_it_was_read_from_are_used_again()
    {
        var loaded = new LoadedBytes();
        byte[] read = new byte[100_000];
        List<StoredValue> kept = [];
        int[] lengths = [0, 1, 7, 300, 5_000, 90_000];
        for (int i = 0; i < 600; i++)
        {
            read.AsSpan().Fill((byte)i);
            kept.Add(loaded.Keep(new StoredValue(new StoredBytes(read, 1 + (i % 3)), i, lengths[i % lengths.Length])));
        }

        read.AsSpan().Clear();
        for (int i = 0; i < kept.Count; i++)
        {
            Assert.NotSame(read, kept[i].Source!.Bytes);
            Assert.Equal(1 + (i % 3), kept[i].Version);
            Assert.Equal(lengths[i % lengths.Length], kept[i].Span.Length);
            Assert.False(kept[i].Span.ContainsAnyExcept((byte)i));
        }
    }

    [Fact]
    public void Bases_keep_their_order_and_their_values()
    {
        byte[] read = [1, 2, 3, 4];
        var source = new StoredBytes(read, 5);
        var bases = new CopyBase(7, true, new StoredValue(source, 1, 2), new CopyBase(8, false, default, null));
        CopyBase kept = new LoadedBytes().Keep(bases)!;
        read.AsSpan().Clear();
        Assert.Equal((7ul, 8ul, null), (kept.Id, kept.Older!.Id, kept.Older.Older));
        Assert.Equal([2, 3], kept.Value.Span.ToArray());
        Assert.Equal((true, false, 5), (kept.Exists, kept.Older.Exists, kept.Value.Version));
        Assert.Null(kept.Older.Value.Source);
    }

    /// <summary>Of many small keys and values, few arrays are made: each is an object that the garbage collector has to look at.</summary>
    [Fact]
    public void Small_ones_share_an_array()
    {
        var loaded = new LoadedBytes();
        HashSet<byte[]> arrays = [];
        for (int i = 0; i < 10_000; i++)
        {
            arrays.Add(loaded.Keep(new byte[12]).Bytes);
        }

        Assert.InRange(arrays.Count, 2, 10);
    }
}
