using System.Text.Json;
using Deque.AxeCore.Playwright;
using FastConsumer.Dashboard.Tests.Hosting;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace FastConsumer.Dashboard.BrowserTests;

/// <summary>The dashboard in a browser.</summary>
public sealed class PagesInBrowserTests(Browser browser) : DashboardTest
{
    [Fact]
    public async Task The_switch_chooses_the_look_whatever_the_system_says()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases);
        await using DashboardPage opened = await browser.OpenAsync(host.Url, scheme: ColorScheme.Dark);
        ILocator button = opened.Page.Locator("#theme");
        string dark = await BackgroundAsync();
        await button.ClickAsync();
        await Expect(button).ToHaveTextAsync("Theme: light");
        Assert.NotEqual(dark, await BackgroundAsync());
        await button.ClickAsync();
        await Expect(button).ToHaveTextAsync("Theme: dark");
        Assert.Equal(dark, await BackgroundAsync());
        await opened.Page.ReloadAsync();
        await Expect(button).ToHaveTextAsync("Theme: dark");

        Task<string> BackgroundAsync() => opened.Page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor");
    }

    [Fact]
    public async Task What_happens_is_seen_without_a_reload()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases);
        await using DashboardPage opened = await browser.OpenAsync(host.Url);
        await opened.GoAsync("shards");
        await opened.Page.GetByRole(AriaRole.Button, new() { Name = FirstShard }).ClickAsync();
        ILocator done = opened.Page.Locator("dl.pairs dd[data-key='Done here']");
        await Expect(done).ToContainTextAsync("0 records");
        Kinesis.Put(DashboardHost.Stream, "a", "text", UInt128.Zero);
        await Expect(done).ToContainTextAsync("1 records", new() { Timeout = 60_000 });
    }

    [Fact]
    public async Task A_record_is_decided_about_with_the_keyboard_alone()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(
            Kinesis, Leases, static dashboard => dashboard.AllowActions = true);
        Kinesis.Put(DashboardHost.Stream, "a", "poison");
        Kinesis.Put(DashboardHost.Stream, "a", "behind");
        await using DashboardPage opened = await browser.OpenAsync(host.Url);
        IPage page = opened.Page;

        // the first stop is the way past the navigation
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.Locator("#skip")).ToBeFocusedAsync();
        await TabToAsync(page, "nav a[data-page=stopped]");
        await page.Keyboard.PressAsync("Enter");
        ILocator skip = page.Locator("td .actions button", new() { HasText = "Skip" });
        await Expect(skip).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await TabToAsync(page, "td .actions button:nth-child(2)");
        await page.Keyboard.PressAsync("Enter");
        ILocator dialog = page.Locator("#dialog");
        await Expect(dialog).ToBeVisibleAsync();
        Assert.Empty((await page.RunAxe()).Violations.Select(static violation => violation.Help));
        await page.Keyboard.PressAsync("Escape");
        await Expect(dialog).ToBeHiddenAsync();
        await Expect(skip).ToBeFocusedAsync();

        await page.Keyboard.PressAsync("Enter");
        await page.Keyboard.TypeAsync("ann");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.TypeAsync("not ours");
        await page.Keyboard.PressAsync("Enter");
        await Expect(dialog).ToBeHiddenAsync(new() { Timeout = 60_000 });
        await Expect(page.Locator("#message")).ToContainTextAsync("is carried out");
        await Expect(page.GetByRole(AriaRole.Cell, new() { Name = "not ours" })).ToBeVisibleAsync();
        await Eventually.TrueAsync(() => host.Done.Contains("behind"), () => string.Join(' ', host.Done));
    }

    [Fact]
    public async Task A_thousand_shards_are_found_and_sorted_with_few_elements()
    {
        for (int i = 2; i < 1002; i++)
        {
            Leases.Put(DashboardHost.Application, Fleet.LeaseOf($"worker-{2 + (i % 20)}", $"shardId-{i:d12}", i, 10));
        }

        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, options: static options => options.MaxLeases = 2);
        await using DashboardPage opened = await browser.OpenAsync(host.Url);
        IPage page = opened.Page;
        await Fleet.ShowAnHourAsync(page, shards: 1000);
        await opened.GoAsync("shards");
        ILocator rows = page.Locator("main tbody tr");
        await Expect(page.GetByText("1-50 of 1002")).ToBeVisibleAsync();
        await Expect(rows).ToHaveCountAsync(50);
        // by lag, the longest first
        await Expect(rows.First).ToContainTextAsync("shardId-000000001001");
        await page.GetByRole(AriaRole.Button, new() { Name = "Next" }).ClickAsync();
        await Expect(page.GetByText("51-100 of 1002")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Searchbox).FillAsync("shardId-000000000777");
        await Expect(rows).ToHaveCountAsync(1);
        Assert.InRange(await page.EvaluateAsync<int>("document.querySelectorAll('*').length"), 1, 3000);
        await opened.GoAsync("leases");
        await Expect(page.GetByText("1-50 of 1002")).ToBeVisibleAsync();
        Assert.True(await opened.FitsAsync());
    }

    [Fact]
    public async Task Html_of_others_is_text_on_all_pages()
    {
        const string Hostile = "<img src=x onerror=alert(1)>";
        Leases.Put(DashboardHost.Application, Fleet.LeaseOf(Hostile, SecondShard, 5, 5) with
        {
            Standing = JsonSerializer.Serialize(new
            {
                epoch = 7,
                position = "<svg onload=alert(2)>",
                error = "<script>alert(3)</script>",
                attempts = 3,
                isStopped = true,
            }),
            Paused = JsonSerializer.Serialize(new { by = Hostile, reason = Hostile, at = TimeProvider.System.GetUtcNow() }),
            Decision = JsonSerializer.Serialize(new
            {
                id = "1",
                position = "17",
                decision = "Skip",
                by = Hostile,
                reason = Hostile,
                at = TimeProvider.System.GetUtcNow(),
            }),
            RequestedBy = Hostile,
        });
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, options: static options => options.MaxLeases = 1);
        await using DashboardPage opened = await browser.OpenAsync(host.Url);
        foreach (string id in DashboardPage.Pages.Keys)
        {
            await opened.GoAsync(id);
            Assert.Equal(0, await opened.Page.Locator("img, main script, svg[onload]").CountAsync());
        }

        await opened.GoAsync("stopped");
        await Expect(opened.Page.GetByText(Hostile).First).ToBeVisibleAsync();
        await Expect(opened.Page.GetByText("<script>alert(3)</script>").First).ToBeVisibleAsync();
    }

    private static async Task TabToAsync(IPage page, string selector)
    {
        for (int i = 0; i < 60; i++)
        {
            if (await page.Locator(selector).First.EvaluateAsync<bool>("element => element === document.activeElement"))
            {
                return;
            }

            await page.Keyboard.PressAsync("Tab");
        }

        Assert.Fail($"The keyboard does not reach {selector}.");
    }
}
