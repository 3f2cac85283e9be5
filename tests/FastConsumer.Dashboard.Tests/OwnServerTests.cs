using System.Net;
using System.Net.Sockets;
using FastConsumer.Dashboard.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FastConsumer.Dashboard.Tests;

/// <summary>The dashboard of a host that is no web application.</summary>
public sealed class OwnServerTests : DashboardTest
{
    [Fact]
    public async Task A_generic_host_has_its_dashboard_on_loopback_for_as_long_as_it_runs()
    {
        using IHost host = Build(port: 0);
        await host.StartAsync(Cancellation);
        DashboardServer server = host.Services.GetServices<IHostedService>().OfType<DashboardServer>().Single();
        Assert.StartsWith("http://127.0.0.1:", server.Url, StringComparison.Ordinal);
        using var client = new HttpClient { BaseAddress = new Uri(server.Url) };
        Assert.Contains("app.js", await client.GetStringAsync(new Uri("/", UriKind.Relative), Cancellation), StringComparison.Ordinal);
        await using LiveViewer viewer = await LiveViewer.OpenAsync(client);
        await Eventually.FoundAsync(
            async () => (await viewer.NextAsync()).GetRawText().Contains(SecondShard, StringComparison.Ordinal) ? "there" : null,
            static () => "The shards were not shown.");
        using (HttpRequestMessage foreign = new(HttpMethod.Get, new Uri("/", UriKind.Relative)))
        {
            foreign.Headers.Host = "attacker.example";
            using HttpResponseMessage answer = await client.SendAsync(foreign, Cancellation);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }

        await host.StopAsync(Cancellation);
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync(new Uri("/", UriKind.Relative), Cancellation));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        using IHost host = Build(port);
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync(Cancellation));
        Assert.Contains($"port {port}", error.Message, StringComparison.Ordinal);
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public void A_policy_or_a_wrong_port_is_refused()
    {
        var services = new ServiceCollection();
        Assert.Contains("'viewers'", Assert.Throws<ArgumentException>(() => services.AddFastConsumerDashboard(
            5000, static dashboard => dashboard.AuthorizationPolicy = "viewers")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => services.AddFastConsumerDashboard(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => services.AddFastConsumerDashboard(65536));
    }

    private IHost Build(int port)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(new Done());
        builder.Services.AddFastConsumer(settings => DashboardHost.Defaults(settings, Kinesis, DashboardHost.Application))
            .AddProcessor<TextProcessor>()
            .UseInMemoryLeases(Leases);
        builder.Services.AddFastConsumerDashboard(port);
        return builder.Build();
    }
}
