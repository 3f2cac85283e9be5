using System.Net;
using System.Text.RegularExpressions;
using FastConsumer.Dashboard.Http;
using FastConsumer.Dashboard.Tests.Hosting;

namespace FastConsumer.Dashboard.Tests;

/// <summary>The page and its files.</summary>
public sealed partial class PageTests : DashboardTest
{
    [Fact]
    public async Task The_page_and_each_of_its_files_are_there_with_headers_that_let_nothing_else_in()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases);
        string page = await host.Client.GetStringAsync(host.Url, Cancellation);
        string[] named = [.. Named().Matches(page).Select(static match => match.Groups["name"].Value)];
        Assert.Contains("app.js", named);
        Assert.Contains("style.css", named);
        Assert.All(named, static name => Assert.NotNull(Assets.Find(name)));
        foreach (string path in Assets.Names.Select(static name => $"assets/{name}").Append(""))
        {
            using HttpResponseMessage answer = await host.Client.GetAsync(new Uri(path, UriKind.Relative), Cancellation);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.StartsWith(
                "default-src 'self'; frame-ancestors 'none'", Header(answer, "Content-Security-Policy"), StringComparison.Ordinal);
            Assert.Equal("nosniff", Header(answer, "X-Content-Type-Options"));
            Assert.Equal("no-store", Header(answer, "Cache-Control"));
            Assert.NotEqual(0, answer.Content.Headers.ContentLength);
        }
    }

    [Fact]
    public async Task The_path_without_its_slash_leads_to_the_page()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases);
        using HttpResponseMessage answer = await host.Client.GetAsync(new Uri(DashboardHost.Path, UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal($"{DashboardHost.Path}/", answer.Headers.Location?.OriginalString);
    }

    /// <summary>The page's policy forbids scripts and styles in it; and no text may become HTML.</summary>
    [Fact]
    public void Files_hold_no_inline_script_and_no_way_from_text_to_html()
    {
        string page = Text("index.html");
        Assert.DoesNotMatch(@"<script(?![^>]*\bsrc=)", page);
        Assert.DoesNotMatch(@"\sstyle=|\son[a-z]+=|<style", page);
        Assert.All(Assets.Names.Where(static name => name.EndsWith(".js", StringComparison.Ordinal)), static name =>
            Assert.DoesNotMatch(
                @"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|srcdoc|style: ", Text(name)));

        static string Text(string name) => System.Text.Encoding.UTF8.GetString(Assets.Find(name)!.Content);
    }

    [Theory]
    [InlineData("/fastconsumer/assets/../../../../../../etc/passwd")]
    [InlineData("/fastconsumer/assets/..%2f..%2f..%2fetc%2fpasswd")]
    [InlineData("/fastconsumer/assets/%2e%2e/%2e%2e/etc/passwd")]
    [InlineData("/fastconsumer/assets/..%5c..%5capp.js")]
    [InlineData("/fastconsumer/assets/")]
    [InlineData("/fastconsumer/assets/App.js")]
    [InlineData("/fastconsumer/assets/app.js%00.html")]
    [InlineData("/fastconsumer/assets/assets/app.js")]
    public async Task What_is_no_file_of_the_dashboards_is_not_found(string path)
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases);
        using RawConnection connection = await RawConnection.GetAsync(host.Url, path);
        string answer = await connection.ReadAsync();
        Assert.Matches("^HTTP/1.1 (404|400) ", answer);
        Assert.DoesNotContain("root:", answer, StringComparison.Ordinal);
    }

    private static string Header(HttpResponseMessage answer, string name) => Assert.Single(answer.Headers.GetValues(name));

    [GeneratedRegex("(?:href|src)=\"\\./assets/(?<name>[^\"]+)\"")]
    private static partial Regex Named();
}
