using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace FastConsumer.CloudWatch;

/// <summary>Refuses options that cannot work, at start, naming the option, its value and what is allowed.</summary>
internal sealed partial class CloudWatchOptionsValidator : IValidateOptions<CloudWatchOptions>
{
    private static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longest = TimeSpan.FromHours(1);

    public ValidateOptionsResult Validate(string? name, CloudWatchOptions options)
    {
        List<string> failures = [];
        if (options.Namespace is { } space && (!NamespaceName().IsMatch(space) || space.StartsWith("AWS/", StringComparison.Ordinal)))
        {
            Fail(nameof(options.Namespace), space, "1 to 255 of letters, digits and . - _ / # :, not beginning with AWS/");
        }

        if (options.FlushInterval < s_shortest || options.FlushInterval > s_longest)
        {
            Fail(nameof(options.FlushInterval), options.FlushInterval, "00:00:01 to 01:00:00");
        }

        if (!Enum.IsDefined(options.Destination))
        {
            Fail(nameof(options.Destination), options.Destination, "StandardOutput or Agent");
        }

        if (!IsEndpoint(options.AgentEndpoint))
        {
            Fail(nameof(options.AgentEndpoint), options.AgentEndpoint, "tcp:// or udp://, a host and a port, as in tcp://127.0.0.1:25888");
        }

        if (options.LogGroup is { } group && !LogGroupName().IsMatch(group))
        {
            Fail(nameof(options.LogGroup), group, "1 to 512 of letters, digits and . - _ / #");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);

        void Fail(string option, object? value, string allowed) =>
            failures.Add($"{nameof(CloudWatchOptions)}.{option} is '{value}'; allowed is {allowed}.");
    }

    private static bool IsEndpoint(Uri? endpoint) =>
        endpoint is { IsAbsoluteUri: true, Scheme: "tcp" or "udp", Port: > 0, Host.Length: > 0, PathAndQuery: "/" or "" };

    [GeneratedRegex(@"^[0-9A-Za-z.\-_/#:]{1,255}\z")]
    private static partial Regex NamespaceName();

    [GeneratedRegex(@"^[0-9A-Za-z.\-_/#]{1,512}\z")]
    private static partial Regex LogGroupName();
}
