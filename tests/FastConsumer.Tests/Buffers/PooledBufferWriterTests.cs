using System.Buffers;
using FastConsumer.Buffers;

namespace FastConsumer.Tests.Buffers;

public class PooledBufferWriterTests
{
    [Fact]
    public void Grows_and_keeps_its_bytes()
    {
        var pool = new CountingPool<byte>();
        byte[] expected = new byte[10_000];
        new Random(1).NextBytes(expected);
        using (var writer = new PooledBufferWriter(pool, 1))
        {
            for (int i = 0; i < expected.Length; i += 100)
            {
                if (i % 200 == 0)
                {
                    writer.Append(expected.AsSpan(i, 100));
                }
                else
                {
                    writer.Write(expected.AsSpan(i, 100));
                }
            }

            Assert.Equal(expected, writer.WrittenSpan.ToArray());
            Assert.Equal(1, pool.Outstanding);
        }

        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Refuses_more_than_its_limit()
    {
        var pool = new CountingPool<byte>();
        using var writer = new PooledBufferWriter(pool, 8, limit: 10);
        writer.Append(new byte[10]);
        Assert.Throws<InvalidDataException>(() => writer.Append(new byte[1]));
        Assert.Equal(10, writer.Length);
    }

    [Fact]
    public void A_response_takes_the_array_over()
    {
        var pool = new CountingPool<byte>();
        var writer = new PooledBufferWriter(pool, 8);
        writer.Append([1, 2, 3]);
        ResponseBuffer response = writer.DetachResponse();
        writer.Dispose();
        Assert.Equal(1, pool.Outstanding);
        Assert.Equal([1, 2, 3], response.GetSpan().ToArray());
        response.Return();
        Assert.Equal(0, pool.Outstanding);
        Assert.Throws<ObjectDisposedException>(() => writer.WrittenMemory);
    }

    [Fact]
    public async Task The_sink_appends_what_a_stream_pushes()
    {
        var pool = new CountingPool<byte>();
        using var writer = new PooledBufferWriter(pool, 4);
        await using (var sink = new BodySink(writer))
        {
            using var source = new MemoryStream([.. Enumerable.Range(0, 200).Select(static i => (byte)i)]);
            await source.CopyToAsync(sink, 7, TestContext.Current.CancellationToken);
            sink.WriteByte(200);
            await sink.FlushAsync(TestContext.Current.CancellationToken);
        }

        Assert.Equal(Enumerable.Range(0, 201).Select(static i => (byte)i), writer.WrittenSpan.ToArray());
    }
}
