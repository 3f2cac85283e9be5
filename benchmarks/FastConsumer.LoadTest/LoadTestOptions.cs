using Amazon.Runtime;
using FastConsumer.Hosting;

namespace FastConsumer.LoadTest;

/// <summary>What the workers of all load tests have in common.</summary>
internal static class LoadTestOptions
{
    public const string Application = "load-test";
    public const string Region = "us-east-1";

    public static readonly AWSCredentials Credentials = new BasicAWSCredentials("load", "test");

    /// <summary>Reads from the server at <paramref name="url"/>.</summary>
    public static void ReadFrom(this FastConsumerOptions options, string url)
    {
        options.ApplicationName = Application;
        options.ServiceUrl = url;
        options.Region = Region;
        options.Credentials = Credentials;
    }
}
