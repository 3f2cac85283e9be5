using Amazon.Runtime;
using FastConsumer.Kinesis;
using FastConsumer.Testing;

namespace FastConsumer.Tests.Kinesis;

/// <summary>
/// Credentials that the service refuses are asked for again, and where there are others the request goes out with them at once.
/// </summary>
public class RenewedCredentialsTests
{
    private static readonly ScriptedAnswer s_noShards = ScriptedAnswer.Json("""{"Shards":[]}""");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ExpiredTokenException")]
    [InlineData("ExpiredToken")]
    [InlineData("UnrecognizedClientException")]
    public async Task An_expired_token_is_renewed_at_once(string code)
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Error(400, code, "expired"), s_noShards);
        using var fixture = new ClientFixture(server.Url, static options =>
        {
            options.Credentials = new RoleCredentials(changes: true);
            // it takes no attempt, as a corrected clock does not
            options.MaxAttempts = 1;
        });
        await fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        Assert.Equal(["token-1", "token-2"], server.Requests.Select(static request => request.Headers["X-Amz-Security-Token"]));
        Assert.Empty(fixture.Clock.Delays);
    }

    [Fact]
    public async Task New_credentials_that_are_refused_too_are_said()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Error(400, "ExpiredTokenException", "expired"));
        using var fixture = new ClientFixture(server.Url, static options => options.Credentials = new RoleCredentials(changes: true));
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
        Assert.Equal("ExpiredTokenException", exception.ErrorCode);
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task The_same_credentials_are_not_sent_again()
    {
        var role = new RoleCredentials(changes: false);
        await using var server = new ScriptedServer(ScriptedAnswer.Error(400, "ExpiredTokenException", "expired"));
        using var fixture = new ClientFixture(server.Url, options => options.Credentials = role);
        for (int i = 1; i <= 3; i++)
        {
            await Assert.ThrowsAsync<KinesisException>(
                () => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
            Assert.Equal(i, server.Requests.Count);
        }

        // as many shards as there are ask once
        Assert.Equal(2, role.Generated);
    }

    [Fact]
    public async Task Requests_that_are_refused_together_share_what_one_of_them_has_got()
    {
        var role = new RoleCredentials(changes: true);
        await using var server = new ScriptedServer(request => request.Headers["X-Amz-Security-Token"] == "token-1"
            ? ScriptedAnswer.Error(400, "ExpiredTokenException", "expired")
            : s_noShards);
        using var fixture = new ClientFixture(server.Url, options => options.Credentials = role);
        await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token)));
        Assert.Equal(2, role.Generated);
    }

    [Fact]
    public async Task Credentials_that_never_come_hold_up_no_call_for_longer_than_an_attempt_may_take()
    {
        var clock = new ManualClock();
        using var client = new KinesisClient(
            new KinesisClientOptions { ServiceUrl = "http://127.0.0.1:1", Credentials = new SilentCredentials(), TimeProvider = clock });
        Task<ListShardsResponse> call = client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        while (!call.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, Token);
        }

        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(() => call);
        Assert.Equal(KinesisErrorKind.Unavailable, exception.Kind);
        Assert.Contains("credentials did not come within 00:00:30", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>Asks an endpoint that never answers.</summary>
    private sealed class SilentCredentials : AWSCredentials
    {
        public override ImmutableCredentials GetCredentials() => throw new NotSupportedException();

        public override Task<ImmutableCredentials> GetCredentialsAsync() => new TaskCompletionSource<ImmutableCredentials>().Task;
    }

    /// <summary>A role's credentials, which AWSSDK.Core keeps for an hour.</summary>
    private sealed class RoleCredentials(bool changes) : RefreshingAWSCredentials
    {
        private int _generated;

        public int Generated => Volatile.Read(ref _generated);

        protected override CredentialsRefreshState GenerateNewCredentials()
        {
            int number = Interlocked.Increment(ref _generated);
            return new CredentialsRefreshState(
                new ImmutableCredentials("AKID", "secret", $"token-{(changes ? number : 1)}"),
                TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(1));
        }
    }
}
