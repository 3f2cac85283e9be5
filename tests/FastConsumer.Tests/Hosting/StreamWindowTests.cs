using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastConsumer.Tests.Hosting;

/// <summary>
/// What a worker's client tells a server that it may send ahead: the SETTINGS frame is the first thing on the connection.
/// </summary>
public sealed class StreamWindowTests
{
    private const int InitialWindowSize = 4;
    private const string ConsumerArn = "arn:aws:kinesis:us-east-1:123456789012:stream/events/consumer/app:1";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null, null, KinesisClientOptions.LargestStreamWindowBytes)]
    [InlineData(524_288, null, 524_288)]
    [InlineData(524_288, 2_097_152, 2_097_152)]
    public async Task The_setting_reaches_the_connection(int? consumer, int? own, int announced)
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var options = new FastConsumerOptions
        {
            ApplicationName = "app",
            ServiceUrl = $"http://{server.LocalEndpoint}",
            Region = "us-east-1",
            Credentials = new BasicAWSCredentials("test", "test"),
            StreamWindowBytes = consumer,
        };
        WorkerSettings settings = WorkerSettings.Resolve(
            new ProcessorRegistration<EventProcessor>(), options, new ProcessorOptions { StreamWindowBytes = own }, "worker");
        using IKinesisClient client = new KinesisClientFactory(TimeProvider.System, new RandomSource(), NullLoggerFactory.Instance)
            .Create(settings);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task subscribing = client.SubscribeToShardAsync(ConsumerArn, "shardId-000000000000", StartingPosition.Latest, end.Token);

        using TcpClient connection = await server.AcceptTcpClientAsync(Token);
        int window = await ReadWindowAsync(connection.GetStream());
        await end.CancelAsync();
        await subscribing.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        Assert.Equal(announced, window);
    }

    private static async Task<int> ReadWindowAsync(Stream connection)
    {
        byte[] head = new byte["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".Length + 9];
        await connection.ReadExactlyAsync(head, Token);
        byte[] settings = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(^9..)) >> 8];
        await connection.ReadExactlyAsync(settings, Token);
        return settings.Chunk(6).Where(static setting => setting[1] == InitialWindowSize)
            .Select(static setting => BinaryPrimitives.ReadInt32BigEndian(setting.AsSpan(2))).Single();
    }
}
