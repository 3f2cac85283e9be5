using Amazon.Runtime;
using FastConsumer.Cli.Output;
using FastConsumer.Kinesis;
using FastConsumer.Leases;

namespace FastConsumer.Cli.Commands.Doctor;

/// <summary>The checks, one after another, each with what came of it.</summary>
/// <param name="error">Where the progress is told: some of them take a while.</param>
internal sealed class CheckList(TextWriter error)
{
    public const string Ok = "ok";
    public const string Failed = "failed";
    public const string NotKnown = "not known";
    public const string NotTried = "not tried";
    public const string Note = "note";

    private readonly List<CheckItem> _items = [];

    public IReadOnlyList<CheckItem> Items => _items;

    public void Add(string check, string result, string detail, string? finding = null, string? remedy = null) =>
        _items.Add(new CheckItem(check, result, detail, finding, remedy));

    /// <summary>Makes a call; false where it fails.</summary>
    /// <param name="check">Its name.</param>
    /// <param name="finding">The finding that a worker would raise.</param>
    /// <param name="action">The action that it needs.</param>
    /// <param name="resource">The resource of the statement that is missing where it is denied.</param>
    /// <param name="call">The call; says what it has found.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<bool> TryAsync(
        string check, string? finding, string action, string resource, Func<Task<string>> call, CancellationToken cancellationToken)
    {
        await error.WriteLineAsync($"{check} ...");
        try
        {
            Add(check, Ok, await call());
            return true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (e is KinesisException or LeaseStoreException or AmazonServiceException or AmazonClientException
            or HttpRequestException or OperationCanceledException)
        {
            bool isDenied = e is KinesisException { Kind: KinesisErrorKind.Denied }
                || e.Message.Contains("AccessDenied", StringComparison.Ordinal)
                || e.Message.Contains("not authorized", StringComparison.Ordinal);
            Add(check, Failed, e.Message, finding, isDenied ? StatementOf(action, resource) : null);
            return false;
        }
    }

    /// <summary>The policy statement that allows an action.</summary>
    public static string StatementOf(string action, string resource) =>
        $"Missing in the policy: {{\"Effect\":\"Allow\",\"Action\":\"{action}\",\"Resource\":\"{resource}\"}}";
}
