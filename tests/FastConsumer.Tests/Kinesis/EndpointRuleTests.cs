using FastConsumer.Kinesis;
using FallbackInternalConfigurationFactory = Amazon.Runtime.Internal.FallbackInternalConfigurationFactory;

namespace FastConsumer.Tests.Kinesis;

/// <summary>
/// The endpoint rules of Kinesis 2013-12-02 as a table: for each partition what an ordinary request, one with FIPS, one with dual-stack and
/// one with both is sent to, by region and by ARN.
/// </summary>
[Collection(AwsEnvironmentCollection.Name)]
public sealed class EndpointRuleTests : IDisposable
{
    private const string Account = "123456789012";

    public EndpointRuleTests() => FallbackInternalConfigurationFactory.Reset();

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("AWS_USE_FIPS_ENDPOINT", null);
        Environment.SetEnvironmentVariable("AWS_USE_DUALSTACK_ENDPOINT", null);
        FallbackInternalConfigurationFactory.Reset();
    }

    [Theory]
    [InlineData("us-east-1", false, false, "kinesis.us-east-1.amazonaws.com")]
    [InlineData("us-east-1", true, false, "kinesis-fips.us-east-1.amazonaws.com")]
    [InlineData("us-east-1", false, true, "kinesis.us-east-1.api.aws")]
    [InlineData("us-east-1", true, true, "kinesis-fips.us-east-1.api.aws")]
    [InlineData("cn-north-1", false, false, "kinesis.cn-north-1.amazonaws.com.cn")]
    [InlineData("cn-north-1", true, false, "kinesis-fips.cn-north-1.amazonaws.com.cn")]
    [InlineData("cn-north-1", false, true, "kinesis.cn-north-1.api.amazonwebservices.com.cn")]
    [InlineData("cn-north-1", true, true, "kinesis-fips.cn-north-1.api.amazonwebservices.com.cn")]
    [InlineData("us-gov-west-1", false, false, "kinesis.us-gov-west-1.amazonaws.com")]
    [InlineData("us-gov-west-1", true, false, "kinesis.us-gov-west-1.amazonaws.com")]
    [InlineData("us-gov-east-1", true, false, "kinesis.us-gov-east-1.amazonaws.com")]
    [InlineData("us-gov-west-1", false, true, "kinesis.us-gov-west-1.api.aws")]
    [InlineData("us-gov-west-1", true, true, "kinesis-fips.us-gov-west-1.api.aws")]
    [InlineData("us-iso-east-1", false, false, "kinesis.us-iso-east-1.c2s.ic.gov")]
    [InlineData("us-iso-east-1", true, false, "kinesis-fips.us-iso-east-1.c2s.ic.gov")]
    [InlineData("us-iso-east-1", false, true, "kinesis.us-iso-east-1.api.aws.ic.gov")]
    [InlineData("us-isob-east-1", false, false, "kinesis.us-isob-east-1.sc2s.sgov.gov")]
    [InlineData("us-isob-east-1", true, false, "kinesis-fips.us-isob-east-1.sc2s.sgov.gov")]
    [InlineData("us-isob-east-1", false, true, "kinesis.us-isob-east-1.api.aws.scloud")]
    [InlineData("eu-isoe-west-1", false, false, "kinesis.eu-isoe-west-1.cloud.adc-e.uk")]
    [InlineData("eu-isoe-west-1", true, false, "kinesis-fips.eu-isoe-west-1.cloud.adc-e.uk")]
    [InlineData("eu-isoe-west-1", false, true, "kinesis.eu-isoe-west-1.api.cloud-aws.adc-e.uk")]
    [InlineData("us-isof-south-1", false, false, "kinesis.us-isof-south-1.csp.hci.ic.gov")]
    [InlineData("us-isof-south-1", true, false, "kinesis-fips.us-isof-south-1.csp.hci.ic.gov")]
    [InlineData("us-isof-south-1", false, true, "kinesis.us-isof-south-1.api.aws.hci.ic.gov")]
    [InlineData("eusc-de-east-1", false, false, "kinesis.eusc-de-east-1.amazonaws.eu")]
    [InlineData("eusc-de-east-1", true, false, "kinesis-fips.eusc-de-east-1.amazonaws.eu")]
    [InlineData("eusc-de-east-1", false, true, "kinesis.eusc-de-east-1.api.amazonwebservices.eu")]
    [InlineData("eusc-de-east-1", true, true, "kinesis-fips.eusc-de-east-1.api.amazonwebservices.eu")]
    public void A_region_leads_to(string region, bool fips, bool dualStack, string host)
    {
        EndpointResolver resolver = Resolver(fips, dualStack, options => options.Region = region);
        Assert.Equal($"https://{host}/", resolver.Resolve(null, isData: true).Uri.ToString());
        Assert.Equal($"https://{host}/", resolver.Resolve(null, isData: false).Uri.ToString());
        Assert.Equal(region, resolver.Resolve(null, isData: true).Region);
        Assert.False(resolver.IsForeign);

        // the same host as a custom endpoint is known to be AWS's, and its region is found in it
        EndpointResolver custom = Resolver(false, false, options => options.ServiceUrl = $"https://{host}");
        Assert.False(custom.IsForeign);
        Assert.Equal(region, custom.Resolve(null, isData: true).Region);
    }

    [Theory]
    [InlineData("aws", "us-east-1", false, false, "{0}.{1}-kinesis.us-east-1.amazonaws.com")]
    [InlineData("aws", "us-east-1", true, false, "{0}.{1}-kinesis-fips.us-east-1.amazonaws.com")]
    [InlineData("aws", "us-east-1", false, true, "{0}.{1}-kinesis.us-east-1.api.aws")]
    [InlineData("aws", "us-east-1", true, true, "{0}.{1}-kinesis-fips.us-east-1.api.aws")]
    [InlineData("aws-cn", "cn-northwest-1", false, false, "{0}.{1}-kinesis.cn-northwest-1.amazonaws.com.cn")]
    [InlineData("aws-cn", "cn-northwest-1", false, true, "{0}.{1}-kinesis.cn-northwest-1.api.amazonwebservices.com.cn")]
    [InlineData("aws-us-gov", "us-gov-west-1", false, false, "{0}.{1}-kinesis.us-gov-west-1.amazonaws.com")]
    [InlineData("aws-us-gov", "us-gov-west-1", true, false, "{0}.{1}-kinesis-fips.us-gov-west-1.amazonaws.com")]
    [InlineData("aws-us-gov", "us-gov-west-1", true, true, "{0}.{1}-kinesis-fips.us-gov-west-1.api.aws")]
    [InlineData("aws-iso", "us-iso-east-1", false, false, "kinesis.us-iso-east-1.c2s.ic.gov")]
    [InlineData("aws-iso", "us-iso-east-1", true, false, "kinesis-fips.us-iso-east-1.c2s.ic.gov")]
    [InlineData("aws-iso-b", "us-isob-east-1", false, false, "kinesis.us-isob-east-1.sc2s.sgov.gov")]
    [InlineData("aws-iso-e", "eu-isoe-west-1", false, false, "{0}.{1}-kinesis.eu-isoe-west-1.cloud.adc-e.uk")]
    [InlineData("aws-iso-f", "us-isof-south-1", false, false, "{0}.{1}-kinesis.us-isof-south-1.csp.hci.ic.gov")]
    [InlineData("aws-eusc", "eusc-de-east-1", false, false, "{0}.{1}-kinesis.eusc-de-east-1.amazonaws.eu")]
    [InlineData("aws-eusc", "eusc-de-east-1", true, false, "{0}.{1}-kinesis-fips.eusc-de-east-1.amazonaws.eu")]
    public void An_arn_leads_to(string partition, string region, bool fips, bool dualStack, string host)
    {
        EndpointResolver resolver = Resolver(fips, dualStack, static options => options.Region = "eu-west-1");
        foreach (string resource in (string[])["stream/orders", "stream/orders/consumer/app:1700000000"])
        {
            string arn = $"arn:{partition}:kinesis:{region}:{Account}:{resource}";
            foreach ((bool isData, string plane) in ((bool, string)[])[(true, "data"), (false, "control")])
            {
                ServiceEndpoint endpoint = resolver.Resolve(arn, isData);
                Assert.Equal($"https://{string.Format(null, host, Account, plane)}/", endpoint.Uri.ToString());
                Assert.Equal(region, endpoint.Region);
            }
        }
    }

    [Theory]
    [InlineData(true, false, "FIPS", "AWS_USE_FIPS_ENDPOINT")]
    [InlineData(false, true, "dual-stack", "AWS_USE_DUALSTACK_ENDPOINT")]
    public void A_variant_and_a_custom_endpoint_exclude_each_other(bool fips, bool dualStack, string variant, string setting)
    {
        KinesisException exception = Assert.Throws<KinesisException>(
            () => Resolver(fips, dualStack, static options => options.ServiceUrl = "http://localhost:4566"));
        Assert.Equal(KinesisErrorKind.Client, exception.Kind);
        Assert.Contains(variant, exception.Message, StringComparison.Ordinal);
        Assert.Contains(setting, exception.Message, StringComparison.Ordinal);
        Assert.Contains("'http://localhost:4566'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("FastConsumer:ServiceUrl", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("arn:aws:kinesis:us-east-1:12345:stream/orders", "'12345'", "12 digits")]
    [InlineData("arn:aws:kinesis:us-east-1::stream/orders", "''", "12 digits")]
    [InlineData("arn:aws:kinesis:us-east-1:1234567890123:stream/orders", "'1234567890123'", "12 digits")]
    [InlineData("arn:aws:kinesis:us-gov-west-1:123456789012:stream/orders", "'aws'", "'aws-us-gov'")]
    [InlineData("arn:aws:kinesis:evil.com/:123456789012:stream/orders", "evil.com/", "region")]
    public void An_arn_that_cannot_be_right_is_told(string arn, string value, string remedy)
    {
        EndpointResolver resolver = Resolver(false, false, static options => options.Region = "us-east-1");
        KinesisException exception = Assert.Throws<KinesisException>(() => resolver.Resolve(arn, isData: true));
        Assert.Contains(arn, exception.Message, StringComparison.Ordinal);
        Assert.Contains(value, exception.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_streams_arn_is_checked_before_anything_is_sent()
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(
            static () => StreamIdentifier.Parse("arn:aws:kinesis:us-east-1:12345:stream/orders"));
        Assert.Contains("'12345'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("12 digits", exception.Message, StringComparison.Ordinal);
    }

    private static EndpointResolver Resolver(bool fips, bool dualStack, Action<KinesisClientOptions> configure)
    {
        Environment.SetEnvironmentVariable("AWS_USE_FIPS_ENDPOINT", fips ? "true" : null);
        Environment.SetEnvironmentVariable("AWS_USE_DUALSTACK_ENDPOINT", dualStack ? "true" : null);
        FallbackInternalConfigurationFactory.Reset();
        var options = new KinesisClientOptions();
        configure(options);
        return new EndpointResolver(options, new AwsSettings(null));
    }
}
