using System.Net;
using System.Net.Sockets;
using System.Text;
using FastConsumer.Testing;
using static FastConsumer.CloudWatch.Tests.Tags;

namespace FastConsumer.CloudWatch.Tests;

/// <summary>Where lines go, over real sockets, and what becomes of those that are not taken.</summary>
public sealed class SinkTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stream_gets_whole_lines_and_stays_open()
    {
        using MemoryStream output = new();
        using (StreamSink sink = new("a stream", output))
        {
            await sink.WriteAsync(Lines("one\n", "two\n"), Token);
        }

        Assert.True(output.CanWrite);
        Assert.Equal("one\ntwo\n", Encoding.UTF8.GetString(output.ToArray()));
    }

    [Fact]
    public async Task An_agent_gets_the_lines_over_tcp()
    {
        using TcpListener agent = Listen();
        await using TestHost host = await TestHost.StartAsync(Agent(agent), writesToSink: false);
        host.Count("fastconsumer.records.done", 1, App("a:b"));

        host.Clock.Advance(CloudWatchOptions.DefaultFlushInterval);

        using TcpClient client = await agent.AcceptTcpClientAsync(Token).AsTask().WaitAsync(s_patience, TimeProvider.System, Token);
        using StreamReader lines = new(client.GetStream());
        Assert.Equal(
            """{"_aws":{"Timestamp":1767225660000,"LogGroupName":"a-b-metrics","CloudWatchMetrics":[{"Namespace":"a:b","Dimensions":[["Operation"]],"Metrics":[{"Name":"RecordsProcessed","Unit":"Count"}]}]},"Operation":"ProcessTask","RecordsProcessed":1}""",
            await LineAsync(lines));

        // the connection is kept
        host.Count("fastconsumer.records.done", 2, App("a:b"));
        host.Clock.Advance(CloudWatchOptions.DefaultFlushInterval);
        Assert.EndsWith("\"RecordsProcessed\":2}", await LineAsync(lines), StringComparison.Ordinal);

        // and the rest comes with the stop
        host.Count("fastconsumer.records.done", 3, App("a:b"));
        await host.StopAsync();
        Assert.EndsWith("\"RecordsProcessed\":3}", await LineAsync(lines), StringComparison.Ordinal);
        Assert.Equal(0, host.Exporter.Dropped);
        Assert.Empty(host.Log.Entries);
    }

    [Fact]
    public async Task After_an_agents_restart_no_line_is_lost()
    {
        using TcpListener agent = Listen();
        using AgentSink sink = new(Endpoint("tcp", agent.LocalEndpoint), TimeProvider.System);
        for (int i = 0; i < 3; i++)
        {
            await sink.WriteAsync(Lines($"{i}\n"), Token);
            using TcpClient client = await agent.AcceptTcpClientAsync(Token).AsTask().WaitAsync(s_patience, TimeProvider.System, Token);
            using StreamReader lines = new(client.GetStream());
            Assert.Equal($"{i}", await LineAsync(lines));
            // its end arrives at the other side before this returns
            client.Client.Shutdown(SocketShutdown.Both);
        }
    }

    [Fact]
    public async Task An_agent_gets_a_datagram_a_line_over_udp()
    {
        using UdpClient agent = new(new IPEndPoint(IPAddress.Loopback, 0));
        using AgentSink sink = new(Endpoint("udp", agent.Client.LocalEndPoint!), TimeProvider.System);

        await sink.WriteAsync(Lines("one\n", "two\n"), Token);

        foreach (string expected in new[] { "one\n", "two\n" })
        {
            UdpReceiveResult received = await agent.ReceiveAsync(Token).AsTask().WaitAsync(s_patience, TimeProvider.System, Token);
            Assert.Equal(expected, Encoding.UTF8.GetString(received.Buffer));
        }
    }

    [Fact]
    public async Task An_agent_that_is_not_there_is_said_and_does_not_matter()
    {
        using TcpListener agent = Listen();
        Action<CloudWatchOptions> options = Agent(agent);
        EndPoint endpoint = agent.LocalEndpoint;
        agent.Stop();
        await using TestHost host = await TestHost.StartAsync(options, writesToSink: false);
        host.Count("fastconsumer.records.done", 1, App());

        await host.StopAsync();

        Assert.Equal(1, host.Exporter.Dropped);
        (int id, string text) = Assert.Single(host.Log.Entries);
        Assert.Equal(2700, id);
        Assert.StartsWith(
            $"the CloudWatch agent at tcp://{endpoint} did not take CloudWatch metrics: 1 lines of them are dropped", text,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_takes_nothing_is_given_up_after_a_while()
    {
        using TcpListener agent = Listen();
        ManualClock clock = new();
        using AgentSink sink = new(Endpoint("tcp", agent.LocalEndpoint), clock);
        // more than the buffers of both sides hold
        Task write = sink.WriteAsync([new byte[64 << 20]], Token);
        using TcpClient client = await agent.AcceptTcpClientAsync(Token).AsTask().WaitAsync(s_patience, TimeProvider.System, Token);

        clock.Advance(AgentSink.Patience);

        TimeoutException failure =
            await Assert.ThrowsAsync<TimeoutException>(() => write.WaitAsync(s_patience, TimeProvider.System, Token));
        Assert.Equal("It did not take the metrics within 5 seconds.", failure.Message);
    }

    [Fact]
    public async Task What_is_dropped_is_counted_and_said_once_a_minute()
    {
        await using TestHost host = await TestHost.StartAsync(static options => options.FlushInterval = TimeSpan.FromSeconds(10));
        host.Sink.Failure = new IOException("The pipe is broken.");
        for (int i = 0; i < 8; i++)
        {
            await FlushAsync();
        }

        Assert.Equal(
        [
            (2700, "the test did not take CloudWatch metrics: 1 lines of them are dropped since the last such message, 1 in all. "
                + "FastConsumer tries again each 00:00:10; consumers are not affected. The pipe is broken."),
            (2700, "the test did not take CloudWatch metrics: 6 lines of them are dropped since the last such message, 7 in all. "
                + "FastConsumer tries again each 00:00:10; consumers are not affected. The pipe is broken."),
        ], host.Log.Entries);

        host.Sink.Failure = null;
        await FlushAsync();
        await FlushAsync();
        await host.StopAsync();
        Assert.Equal(
            (2701, "the test takes CloudWatch metrics again; 1 lines are dropped since the last message, 8 in all."),
            Assert.Single(host.Log.Entries.Skip(2)));
        Assert.Equal(8, host.Exporter.Dropped);

        async Task FlushAsync()
        {
            host.Count("fastconsumer.records.done", 1, App());
            host.Clock.Advance(TimeSpan.FromSeconds(10));
            await host.Sink.NextAsync();
        }
    }

    private static Action<CloudWatchOptions> Agent(TcpListener agent)
    {
        Uri endpoint = Endpoint("tcp", agent.LocalEndpoint);
        return options =>
        {
            options.Destination = CloudWatchDestination.Agent;
            options.AgentEndpoint = endpoint;
        };
    }

    private static TcpListener Listen()
    {
        TcpListener agent = new(IPAddress.Loopback, 0);
        agent.Start();
        return agent;
    }

    private static Uri Endpoint(string scheme, EndPoint endpoint) => new($"{scheme}://{endpoint}");

    private static List<ReadOnlyMemory<byte>> Lines(params string[] lines) =>
        [.. lines.Select(static line => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(line))];

    private static async Task<string?> LineAsync(StreamReader lines) =>
        await lines.ReadLineAsync(Token).AsTask().WaitAsync(s_patience, TimeProvider.System, Token);
}
