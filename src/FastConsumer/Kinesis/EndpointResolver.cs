using System.Collections.Concurrent;
using Amazon.Runtime.Internal.Endpoints.StandardLibrary;

namespace FastConsumer.Kinesis;

/// <summary>
/// Decides where a request goes: a custom endpoint always wins; a stream's ARN leads to its account's endpoint; everything
/// else goes to the region's.
/// </summary>
/// <remarks>
/// Source: the endpoint rule set of Kinesis 2013-12-02 (endpoint-rule-set-1.json of botocore), with the partitions as AWSSDK.Core knows
/// them. It differs in one point: the region is that of the ARN, so that a stream of another region needs no further setting.
/// </remarks>
internal sealed class EndpointResolver
{
    // As the AWS SDK for .NET signs for an endpoint whose region nobody names.
    private const string RegionOfCustomEndpoints = "us-east-1";

    private const string FipsSetting = "AWS_USE_FIPS_ENDPOINT or use_fips_endpoint of the profile";
    private const string DualStackSetting = "AWS_USE_DUALSTACK_ENDPOINT or use_dualstack_endpoint of the profile";

    /// <summary>
    /// The suffixes of AWS's own hosts that do not contain <c>amazonaws.</c>: dual-stack endpoints and the isolated partitions.
    /// </summary>
    private static readonly string[] s_otherSuffixes =
    [
        ".api.aws", ".api.amazonwebservices.com.cn", ".api.amazonwebservices.eu",
        ".c2s.ic.gov", ".api.aws.ic.gov", ".sc2s.sgov.gov", ".api.aws.scloud",
        ".cloud.adc-e.uk", ".api.cloud-aws.adc-e.uk", ".csp.hci.ic.gov", ".api.aws.hci.ic.gov",
    ];

    private readonly ConcurrentDictionary<(string Arn, bool IsData), ServiceEndpoint> _accountEndpoints = new();
    private readonly ServiceEndpoint? _custom;
    private readonly ServiceEndpoint? _regional;
    private readonly string? _profile;
    private readonly bool _useFips;
    private readonly bool _useDualStack;

    public EndpointResolver(KinesisClientOptions options, AwsSettings settings)
    {
        _profile = options.Profile;
        _useFips = settings.UseFIPSEndpoint;
        _useDualStack = settings.UseDualstackEndpoint;
        string? serviceUrl = NullIfEmpty(options.ServiceUrl) ?? settings.FindServiceUrl();
        string? region = NullIfEmpty(options.Region);
        if (serviceUrl is not null)
        {
            if (!Uri.TryCreate(serviceUrl, UriKind.Absolute, out Uri? uri)
                || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp))
            {
                throw new KinesisException(
                    $"'{serviceUrl}' is not a Kinesis endpoint: an absolute http or https address is expected, for example "
                        + $"https://kinesis.eu-west-1.amazonaws.com. It comes from the option {nameof(KinesisClientOptions.ServiceUrl)} "
                        + "(FastConsumer:ServiceUrl of a host), AWS_ENDPOINT_URL_KINESIS, AWS_ENDPOINT_URL or the profile.",
                    KinesisErrorKind.Client);
            }

            RefuseVariant(settings.UseFIPSEndpoint, "FIPS", FipsSetting, serviceUrl);
            RefuseVariant(settings.UseDualstackEndpoint, "dual-stack", DualStackSetting, serviceUrl);
            _custom = new ServiceEndpoint(uri, region ?? FindRegionIn(uri.Host) ?? settings.FindRegion() ?? RegionOfCustomEndpoints);
            return;
        }

        region ??= settings.FindRegion();
        if (region is not null)
        {
            if (!IsHostLabel(region))
            {
                throw new KinesisException(
                    $"'{region}' is not the name of an AWS region; a name like eu-west-1 is expected.", KinesisErrorKind.Client);
            }

            _regional = new ServiceEndpoint(new Uri($"https://{RegionalHost(region)}/"), region);
        }
    }

    /// <summary>True where requests stay on this machine, so that no proxy may stand between.</summary>
    public bool IsLoopback => _custom is { Uri.IsLoopback: true };

    /// <summary>True where requests go to an address that is none of AWS's: a server for tests, for all that is known.</summary>
    public bool IsForeign => _custom is { } custom && FindRegionIn(custom.Uri.Host) is null;

    public string Description => (_custom ?? _regional)?.ToString() ?? "the endpoint of each stream's ARN (no region is set)";

    /// <summary>The endpoint for a request about <paramref name="arn"/>; null for a request that names its stream otherwise.</summary>
    public ServiceEndpoint Resolve(string? arn, bool isData)
    {
        if (_custom is not null)
        {
            return _custom;
        }

        if (arn is null)
        {
            return _regional ?? throw NoRegion();
        }

        return _accountEndpoints.TryGetValue((arn, isData), out ServiceEndpoint? endpoint)
            ? endpoint
            : _accountEndpoints.GetOrAdd((arn, isData), ForArn(arn, isData));
    }

    private ServiceEndpoint ForArn(string arn, bool isData)
    {
        string[] parts = arn.Split(':', 6);
        string partition = parts[1];
        string region = parts[3];
        string account = parts[4];
        if (!IsHostLabel(region))
        {
            throw new KinesisException(
                $"The ARN '{arn}' does not name a region (arn:aws:kinesis:<region>:<account>:stream/<name>).", KinesisErrorKind.Client);
        }

        if (!StreamIdentifier.IsAccountId(account))
        {
            throw new KinesisException(
                $"The account '{account}' in the ARN '{arn}' is not an AWS account id: 12 digits are expected.", KinesisErrorKind.Client);
        }

        Partition known = Fn.Partition(region);
        if (partition != known.name)
        {
            throw new KinesisException(
                $"The ARN '{arn}' names the partition '{partition}', but the region {region} belongs to '{known.name}'. "
                    + "Correct one of them.",
                KinesisErrorKind.Client);
        }

        // these two partitions have no endpoints of accounts
        string host = known.name is "aws-iso" or "aws-iso-b"
            ? RegionalHost(region)
            : $"{account}.{(isData ? "data" : "control")}-kinesis{(_useFips ? "-fips" : "")}.{region}.{Suffix(region, known)}";
        return new ServiceEndpoint(new Uri($"https://{host}/"), region);
    }

    private string RegionalHost(string region)
    {
        Partition partition = Fn.Partition(region);
        // in aws-us-gov the ordinary endpoints are the FIPS ones, but for dual-stack
        bool hasFipsName = _useFips && (partition.name != "aws-us-gov" || _useDualStack);
        return $"kinesis{(hasFipsName ? "-fips" : "")}.{region}.{Suffix(region, partition)}";
    }

    private string Suffix(string region, Partition partition)
    {
        if ((_useFips && !partition.supportsFIPS) || (_useDualStack && !partition.supportsDualStack))
        {
            string asked = _useFips && _useDualStack ? "FIPS and dual-stack endpoints are"
                : _useFips ? "A FIPS endpoint is"
                : "A dual-stack endpoint is";
            throw new KinesisException(
                $"{asked} asked for ({FipsSetting}, {DualStackSetting}), but the partition {partition.name} of region "
                    + $"{region} does not have them.",
                KinesisErrorKind.Client);
        }

        return _useDualStack ? partition.dualStackDnsSuffix : partition.dnsSuffix;
    }

    /// <summary>
    /// The region in a host such as <c>kinesis.eu-west-1.amazonaws.com</c> or <c>vpce-1.kinesis.eu-west-1.vpce.amazonaws.com</c>.
    /// </summary>
    private static string? FindRegionIn(string host)
    {
        string[] labels = host.Split('.');
        if (!host.Contains("amazonaws.", StringComparison.OrdinalIgnoreCase)
            && !s_otherSuffixes.Any(suffix => host.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)))
        {
            return null;
        }

        for (int i = 0; i < labels.Length - 2; i++)
        {
            if (labels[i] is "kinesis" or "kinesis-fips" or "data-kinesis" or "control-kinesis" or "data-kinesis-fips"
                or "control-kinesis-fips")
            {
                return labels[i + 1];
            }
        }

        return null;
    }

    private static void RefuseVariant(bool isOn, string variant, string setting, string serviceUrl)
    {
        if (isOn)
        {
            throw new KinesisException(
                $"{variant} endpoints are switched on ({setting}), and '{serviceUrl}' is set as a custom Kinesis endpoint: "
                    + $"they exclude each other. Switch one off: {setting}, or the option {nameof(KinesisClientOptions.ServiceUrl)} "
                    + "(FastConsumer:ServiceUrl of a host), AWS_ENDPOINT_URL_KINESIS, AWS_ENDPOINT_URL or the profile's endpoint_url. "
                    + $"A custom endpoint may itself be the address of a {variant} endpoint.",
                KinesisErrorKind.Client);
        }
    }

    private static bool IsHostLabel(string text) =>
        text.Length is > 0 and <= 63 && text.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-');

    private static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private KinesisException NoRegion() => new(
        $"No AWS region is set. It is looked for in the option {nameof(KinesisClientOptions.Region)} (FastConsumer:Region of a host), "
            + "the environment variable AWS_REGION, "
            + $"{(_profile is null ? "the profile (AWS_PROFILE or default)" : $"the profile '{_profile}'")} in ~/.aws/config, "
            + "and the metadata of the EC2 instance. Set one of them, for example AWS_REGION=eu-west-1, or name the stream by its ARN.",
        KinesisErrorKind.Client);
}
