using System.Net;
using FastConsumer.Dashboard.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Dashboard.Tests;

/// <summary>Who is let in.</summary>
public sealed class AccessTests : DashboardTest
{
    private static readonly string[] s_paths =
        ["", "assets/app.js", "api/state", "api/live", "api/history", "api/settings", "api/session"];

    [Theory]
    [InlineData("Forwarded", "for=127.0.0.1")]
    [InlineData("X-Forwarded-For", "127.0.0.1")]
    [InlineData("x-forwarded-for", "")]
    [InlineData("X-Forwarded-Host", "localhost")]
    [InlineData("X-Forwarded-Anything", "1")]
    [InlineData("X-Real-IP", "::1")]
    [InlineData("X-Original-For", "203.0.113.7:1")]
    [InlineData("Via", "1.1 proxy")]
    public async Task What_a_proxy_has_forwarded_is_refused_without_a_policy(string header, string value)
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases);
        foreach (string path in s_paths)
        {
            (HttpStatusCode status, string text) = await AskAsync(
                host, path, request => request.Headers.TryAddWithoutValidation(header, value));
            Assert.Equal(HttpStatusCode.Forbidden, status);
            Assert.Contains("this machine only", text, StringComparison.Ordinal);
        }
    }

    /// <summary>
    /// Middleware that believes a proxy makes a forged header the sender's address; it leaves the true one in another header.
    /// </summary>
    [Fact]
    public async Task A_forged_address_that_the_application_believes_is_refused_too()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, pipeline: static app =>
        {
            app.Use(static (context, next) =>
            {
                context.Connection.RemoteIpAddress = IPAddress.Parse("203.0.113.7");
                return next(context);
            });
            var believing = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor };
            believing.KnownProxies.Clear();
            believing.KnownIPNetworks.Clear();
            app.UseForwardedHeaders(believing);
        });
        (HttpStatusCode status, _) = await AskAsync(
            host, "api/state", static request => request.Headers.Add("X-Forwarded-For", "127.0.0.1"));
        Assert.Equal(HttpStatusCode.Forbidden, status);
    }

    [Theory]
    [InlineData("203.0.113.7")]
    [InlineData("10.0.0.1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData(null)]
    public async Task Another_machine_is_refused_without_a_policy(string? address)
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, pipeline: app => app.Use((context, next) =>
        {
            context.Connection.RemoteIpAddress = address is null ? null : IPAddress.Parse(address);
            return next(context);
        }));
        foreach (string path in s_paths)
        {
            Assert.Equal(HttpStatusCode.Forbidden, (await AskAsync(host, path)).Status);
        }
    }

    [Theory]
    [InlineData("attacker.example", HttpStatusCode.Forbidden)]
    [InlineData("localhost.attacker.example", HttpStatusCode.Forbidden)]
    [InlineData("127.0.0.1.attacker.example", HttpStatusCode.Forbidden)]
    [InlineData("10.0.0.1", HttpStatusCode.Forbidden)]
    [InlineData("localhost", HttpStatusCode.OK)]
    [InlineData("LOCALHOST:1234", HttpStatusCode.OK)]
    [InlineData("127.0.0.1", HttpStatusCode.OK)]
    [InlineData("[::1]:80", HttpStatusCode.OK)]
    public async Task A_foreign_name_that_leads_to_this_machine_is_refused(string name, HttpStatusCode expected)
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases);
        Assert.Equal(expected, (await AskAsync(host, "api/state", request => request.Headers.Host = name)).Status);
    }

    [Theory]
    [InlineData("cross-site", HttpStatusCode.Forbidden)]
    [InlineData("same-site", HttpStatusCode.Forbidden)]
    [InlineData("same-origin", HttpStatusCode.OK)]
    public async Task A_page_of_another_site_gets_no_data(string site, HttpStatusCode expected)
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases);
        Assert.Equal(expected, (await AskAsync(host, "api/state", request => request.Headers.Add("Sec-Fetch-Site", site))).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_policy_lets_in_whom_it_names_from_anywhere_and_nobody_else(bool byOption)
    {
        await using DashboardHost host = await DashboardHost.StartAsync(
            Kinesis,
            Leases,
            dashboard => dashboard.AuthorizationPolicy = byOption ? "viewers" : null,
            services: static services => Users.Add(services, "viewers", "viewer"),
            conventions: mapped => _ = byOption ? mapped : mapped.RequireAuthorization("viewers"));
        foreach (string path in s_paths.Where(static path => path is not ("api/live" or "api/history")))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await AskAsync(host, path)).Status);
            Assert.Equal(
                HttpStatusCode.Forbidden, (await AskAsync(host, path, static request => Users.SignIn(request, "stranger"))).Status);
            Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, path, static request =>
            {
                Users.SignIn(request, "viewer");
                request.Headers.Host = "dashboard.example";
                request.Headers.Add("X-Forwarded-For", "203.0.113.7");
            })).Status);
        }
    }

    [Fact]
    public async Task Anonymous_access_is_no_policy()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(
            Kinesis,
            Leases,
            services: static services => Users.Add(services, "viewers", "viewer"),
            conventions: static mapped => mapped.RequireAuthorization("viewers").AllowAnonymous());
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, "api/state")).Status);
        (HttpStatusCode status, _) = await AskAsync(host, "api/state", static request => request.Headers.Host = "dashboard.example");
        Assert.Equal(HttpStatusCode.Forbidden, status);
    }

    [Fact]
    public async Task A_dashboard_without_a_consumer_says_so()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        await using WebApplication app = builder.Build();
        InvalidOperationException none = Assert.Throws<InvalidOperationException>(() => app.MapFastConsumerDashboard("/x"));
        Assert.Contains("AddFastConsumer", none.Message, StringComparison.Ordinal);
        ArgumentException noPath = Assert.Throws<ArgumentException>(() => app.MapFastConsumerDashboard("x"));
        Assert.Contains("'/x'", noPath.Message, StringComparison.Ordinal);
    }

    private static async Task<(HttpStatusCode Status, string Text)> AskAsync(
        DashboardHost host, string path, Action<HttpRequestMessage>? change = null)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(path, UriKind.Relative));
        change?.Invoke(request);
        using HttpResponseMessage answer = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        return (answer.StatusCode, answer.IsSuccessStatusCode ? "" : await answer.Content.ReadAsStringAsync(Cancellation));
    }
}
