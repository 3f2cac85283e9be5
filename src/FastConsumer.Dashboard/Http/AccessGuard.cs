using System.Net;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;

namespace FastConsumer.Dashboard.Http;

/// <summary>
/// Who is refused. Where no policy says who may come in, only this machine may: the connection must come from a loopback address, the Host
/// header must name one (a page of a foreign name that resolves to loopback is refused so), and nobody may have forwarded the request.
/// </summary>
internal static class AccessGuard
{
    public const string ActionHeader = "X-FastConsumer-Action";

    /// <summary>Set by proxies, and by middleware that has believed them: then the connection's address is not the sender's.</summary>
    private static readonly string[] s_forwarding =
    [
        "Forwarded", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "True-Client-IP", "CF-Connecting-IP", "Fastly-Client-IP", "Via",
    ];

    private static readonly string[] s_forwardingPrefixes = ["X-Forwarded-", "X-Original-"];

    /// <summary>Why the request is refused; null where it is not.</summary>
    /// <param name="context">The request.</param>
    /// <param name="policies">How many policies must have been asked for somebody from elsewhere.</param>
    public static string? Refusal(HttpContext context, int policies)
    {
        if (HasPolicies(context, policies))
        {
            return null;
        }

        HttpRequest request = context.Request;
        foreach (string header in request.Headers.Keys)
        {
            if (header.Equals("X-Forwarded", StringComparison.OrdinalIgnoreCase)
                || s_forwarding.Contains(header, StringComparer.OrdinalIgnoreCase)
                || s_forwardingPrefixes.Any(prefix => header.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)))
            {
                return $"The request has passed a proxy (header {header}), and without an authorization policy the dashboard answers this "
                    + "machine only. Set AuthorizationPolicy, or ask the worker's own port.";
            }
        }

        if (!IsLoopback(context.Connection.RemoteIpAddress))
        {
            return "Without an authorization policy the dashboard answers this machine only. Set AuthorizationPolicy, or forward a port of "
                + "yours to it (ssh -L, kubectl port-forward).";
        }

        return IsLoopback(request.Host)
            ? null
            : "Without an authorization policy the dashboard answers only under the name localhost or a loopback address. Set "
                + "AuthorizationPolicy, or ask http://localhost.";
    }

    /// <summary>
    /// Why a call of a page's script is refused; null where it comes from the dashboard's own pages, or from no page at all.
    /// </summary>
    public static string? CrossSiteRefusal(HttpRequest request)
    {
        string? site = request.Headers["Sec-Fetch-Site"];
        return site is null or "" or "same-origin" or "none"
            ? null
            : "The request comes from a page of another site.";
    }

    /// <summary>Why an action is refused; null where it comes from the dashboard's own pages, or from no page at all.</summary>
    public static string? ActionRefusal(HttpRequest request)
    {
        if (request.Headers[ActionHeader] != "1")
        {
            return $"An action needs the header {ActionHeader}: 1.";
        }

        if (request.Headers["Sec-Fetch-Site"] is { Count: > 0 } site && site != "same-origin")
        {
            return "The action comes from a page of another site.";
        }

        if (request.Headers.Origin is not { Count: > 0 } origin)
        {
            // browsers send it with each POST
            return null;
        }

        return Uri.TryCreate(origin, UriKind.Absolute, out Uri? from)
            && (from.Scheme == Uri.UriSchemeHttps || (from.Scheme == Uri.UriSchemeHttp && !request.IsHttps))
            && string.Equals(AuthorityOf(from), AuthorityOf(from.Scheme, request.Host), StringComparison.OrdinalIgnoreCase)
                ? null
                : "The action comes from a page of another origin.";
    }

    /// <summary>
    /// True where policies were asked: an endpoint whose policies nobody has asked is not reached, as the framework sees to it.
    /// </summary>
    public static bool HasPolicies(HttpContext context, int policies) =>
        context.GetEndpoint()?.Metadata is { } metadata
        && metadata.GetMetadata<IAllowAnonymous>() is null
        && metadata.GetOrderedMetadata<IAuthorizeData>().Count >= policies;

    private static bool IsLoopback(IPAddress? address) =>
        address is not null && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    private static bool IsLoopback(HostString host)
    {
        string name = host.Host;
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(name.Trim('[', ']'), out IPAddress? address) && IsLoopback(address));
    }

    // the port is said only where it is not the scheme's
    private static string AuthorityOf(Uri origin) => $"{origin.IdnHost.Trim('[', ']')}:{origin.Port}";

    private static string AuthorityOf(string scheme, HostString host) =>
        $"{host.Host.Trim('[', ']')}:{host.Port ?? (scheme == Uri.UriSchemeHttps ? 443 : 80)}";
}
