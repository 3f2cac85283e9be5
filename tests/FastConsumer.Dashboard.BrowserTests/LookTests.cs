using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace FastConsumer.Dashboard.BrowserTests;

/// <summary>How pages look: to whom reads them with tools, in light and dark, on a phone and on a wall.</summary>
public sealed class LookTests(Browser browser, FleetHost fleet) : IClassFixture<FleetHost>
{
    public static TheoryData<string, bool> PagesInLightAndDark { get; } = FindPages();

    [Theory]
    [MemberData(nameof(PagesInLightAndDark))]
    public async Task A_page_is_accessible_in_light_and_dark(string id, bool isDark)
    {
        fleet.Report();
        await using DashboardPage opened = await browser.OpenAsync(
            fleet.Url, scheme: isDark ? ColorScheme.Dark : ColorScheme.Light);
        await Fleet.ShowAnHourAsync(opened.Page, shards: 8);
        await opened.GoAsync(id);
        AxeResult found = await opened.Page.RunAxe();
        await TakePictureAsync(opened.Page, $"{id}-{(isDark ? "dark" : "light")}", isWhole: true);
        Assert.Empty(found.Violations.Select(static violation =>
            $"{violation.Id}: {violation.Help} {string.Join(' ', violation.Nodes.Select(static node => node.Html))}"));
    }

    [Theory]
    [InlineData(380, 800)]
    [InlineData(3840, 2160)]
    public async Task Each_page_fits_a_phone_and_a_wall(int width, int height)
    {
        fleet.Report();
        await using DashboardPage opened = await browser.OpenAsync(fleet.Url, width, height);
        await Fleet.ShowAnHourAsync(opened.Page, shards: 8);
        foreach (string id in DashboardPage.Pages.Keys)
        {
            await opened.GoAsync(id);
            Assert.True(await opened.FitsAsync(), $"{id} is wider than {width} px.");
            await TakePictureAsync(opened.Page, $"{id}-{width}", isWhole: false);
        }
    }

    private static Task<byte[]> TakePictureAsync(IPage page, string name, bool isWhole) => page.ScreenshotAsync(
        new PageScreenshotOptions { Path = Path.Combine(Browser.Pictures, $"{name}.png"), FullPage = isWhole });

    private static TheoryData<string, bool> FindPages()
    {
        TheoryData<string, bool> all = [];
        foreach (string id in DashboardPage.Pages.Keys)
        {
            all.Add(id, false);
            all.Add(id, true);
        }

        return all;
    }
}
