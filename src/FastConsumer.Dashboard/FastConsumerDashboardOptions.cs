namespace FastConsumer.Dashboard;

/// <summary>Who may see the dashboard, and what it may do.</summary>
public sealed class FastConsumerDashboardOptions
{
    /// <summary>
    /// The name of the authorization policy of whoever may see the dashboard. The default is null: then only requests from this machine
    /// are answered, whose Host header is <c>localhost</c> or a loopback address, and which no proxy has forwarded.
    /// <c>RequireAuthorization</c> on what <c>MapFastConsumerDashboard</c> returns does the same.
    /// </summary>
    public string? AuthorizationPolicy { get; set; }

    /// <summary>
    /// True if the dashboard may act: decide about records that fail, pause and resume shards, acknowledge findings and drain the process.
    /// The default is false.
    /// </summary>
    public bool AllowActions { get; set; }

    /// <summary>
    /// The name of the authorization policy of whoever may act. It comes on top of <see cref="AuthorizationPolicy"/>, and must be set where
    /// that is set and <see cref="AllowActions"/> is true. The default is null.
    /// </summary>
    public string? ActionsAuthorizationPolicy { get; set; }

    /// <summary>
    /// Where the dashboard of another worker is, by that worker's id; null for a worker without one. Only http and https addresses are
    /// shown. It is called for each worker about once a second while somebody looks, and must return at once. The default shows no links.
    /// </summary>
    public Func<string, Uri?> WorkerUrl { get; set; } = static _ => null;

    /// <summary>
    /// Where the pages about findings are, with a slash at the end: <c>findings/FCF1001.md</c> and so on follow. The default is null, and
    /// shows findings without links.
    /// </summary>
    public Uri? DocumentationUrl { get; set; }
}
