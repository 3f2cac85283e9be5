using System.Collections.Concurrent;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace FastConsumer.Dashboard.BrowserTests;

/// <summary>The dashboard in a tab. Whatever the browser complains of, such as a breach of the page's policy, fails the test.</summary>
public sealed class DashboardPage : IAsyncDisposable
{
    /// <summary>The pages, by their hash, with what shows that they are there.</summary>
    public static IReadOnlyDictionary<string, string> Pages { get; } = new Dictionary<string, string>
    {
        ["overview"] = "Overview",
        ["shards"] = "Shards",
        ["leases"] = "Leases",
        ["stopped"] = "Stopped and dead letters",
        ["settings"] = "Settings",
    };

    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _complaints = new();

    private DashboardPage(IBrowserContext context, IPage page)
    {
        _context = context;
        Page = page;
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                _complaints.Enqueue(message.Text);
            }
        };
        page.PageError += (_, error) => _complaints.Enqueue(error);
        page.Dialog += (_, dialog) =>
        {
            _complaints.Enqueue($"dialog: {dialog.Message}");
            _ = dialog.DismissAsync();
        };
    }

    public IPage Page { get; }

    public static async Task<DashboardPage> OpenAsync(IBrowserContext context, Uri url)
    {
        var opened = new DashboardPage(context, await context.NewPageAsync());
        opened.Page.SetDefaultTimeout(60_000);
        await opened.Page.GotoAsync(url.ToString());
        await Expect(opened.Page.Locator("#live")).ToHaveTextAsync("live", new LocatorAssertionsToHaveTextOptions { Timeout = 60_000 });
        return opened;
    }

    /// <summary>Goes to a page as somebody does who clicks.</summary>
    public async Task GoAsync(string id)
    {
        await Page.Locator($"nav a[data-page={id}]").ClickAsync();
        await Expect(Page.Locator("h1")).ToHaveTextAsync(Pages[id]);
        if (id == "settings")
        {
            await Expect(Page.Locator("main section").First).ToBeVisibleAsync();
        }
        else if (id != "stopped")
        {
            await Expect(Page.Locator("main svg").First).ToBeVisibleAsync();
        }
    }

    /// <summary>True where the page is no wider than the screen.</summary>
    public Task<bool> FitsAsync() =>
        Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth");

    public async ValueTask DisposeAsync()
    {
        await _context.DisposeAsync();
        Assert.Empty(_complaints);
    }
}
