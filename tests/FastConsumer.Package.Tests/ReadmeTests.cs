using FastConsumer.Package.Tests.Feed;
using FastConsumer.Package.Tests.UserProjects;

namespace FastConsumer.Package.Tests;

/// <summary>A correct processor, as the packages' own pages show it, outside the repository and with the SDK's own compiler.</summary>
public sealed class ReadmeTests(PackageFeed feed)
{
    [Fact]
    public async Task The_code_of_the_sdks_page_builds_without_a_warning()
    {
        UserProject project = UserProject.Create(
            feed, "Billing", [PackageFeed.Sdk, PackageFeed.DynamoDb], Readme.FirstCode(feed, PackageFeed.Sdk));

        (await project.RunAsync("build")).MustSucceed();
    }

    [Fact]
    public async Task That_of_the_dynamodb_page_needs_no_other_package()
    {
        UserProject project = UserProject.Create(feed, "Audit", [PackageFeed.DynamoDb], Readme.FirstCode(feed, PackageFeed.DynamoDb));

        (await project.RunAsync("build")).MustSucceed();
    }

    [Fact]
    public async Task That_of_the_s3_page_builds_beside_that_of_the_leases()
    {
        UserProject project = UserProject.Create(
            feed, "Totals", [PackageFeed.S3, PackageFeed.DynamoDb], Readme.FirstCode(feed, PackageFeed.S3));

        (await project.RunAsync("build")).MustSucceed();
    }

    /// <summary>Aspire asks for versions of other packages; ours brings those that fit, so that a restore has no warning either.</summary>
    [Fact]
    public async Task That_of_the_aspire_page_needs_no_other_package()
    {
        UserProject project = UserProject.Create(feed, "AppHost", [PackageFeed.Aspire], Readme.FirstCode(feed, PackageFeed.Aspire));

        (await project.RunAsync("build")).MustSucceed();
    }

    [Fact]
    public async Task That_of_the_testing_page_is_a_unit_test_that_passes()
    {
        UserProject project = UserProject.Create(
            feed,
            "Greeting.Tests",
            new Dictionary<string, string> { ["IsTestProject"] = "true" },
            [PackageFeed.Testing, "Microsoft.NET.Test.Sdk", "xunit.v3", "xunit.runner.visualstudio"],
            Readme.FirstCode(feed, PackageFeed.Testing));

        DotnetResult result = (await project.RunAsync("test")).MustSucceed();

        Assert.Matches(@"Failed:\s+0, Passed:\s+1, Skipped:\s+0", result.Output);
    }
}
