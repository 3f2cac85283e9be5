using Amazon.Runtime;
using Amazon.Runtime.Credentials;

namespace FastConsumer.Kinesis;

/// <summary>The credentials that requests are signed with: the given ones, or what AWSSDK.Core's default chain finds.</summary>
internal sealed class CredentialsSource : IDisposable
{
    /// <summary>So that many shards that are refused together do not ask for credentials one after the other.</summary>
    private static readonly TimeSpan s_renewalInterval = TimeSpan.FromSeconds(10);

    private readonly DefaultAWSCredentialsIdentityResolver _chain = new();
    private readonly SemaphoreSlim _oneRenewal = new(1);
    private readonly AwsSettings _settings;
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private readonly string? _profile;
    private readonly bool _isGiven;
    private AWSCredentials? _current;
    private long? _renewedAt;

    public CredentialsSource(AWSCredentials? given, string? profile, AwsSettings settings, TimeProvider time, TimeSpan timeout)
    {
        _current = given;
        _isGiven = given is not null;
        _profile = profile;
        _settings = settings;
        _time = time;
        _timeout = timeout;
    }

    /// <summary>The current credentials; temporary ones are renewed by AWSSDK.Core.</summary>
    /// <exception cref="KinesisException">There are none, or they did not come in time.</exception>
    public async ValueTask<ImmutableCredentials> GetAsync(CancellationToken cancellationToken)
    {
        AWSCredentials? credentials = Volatile.Read(ref _current);
        if (credentials is null)
        {
            try
            {
                credentials = await InTimeAsync(_chain.ResolveIdentityAsync(_settings, cancellationToken), cancellationToken);
            }
            catch (Exception exception) when (exception is not KinesisException && !IsCancellation(exception, cancellationToken))
            {
                string places = _profile is null
                    ? "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a web identity token, the profile (AWS_PROFILE or default) in ~/.aws, "
                        + "and the metadata of the container or instance"
                    : $"the profile '{_profile}' in ~/.aws";
                throw new KinesisException(
                    $"No AWS credentials were found. They are looked for in the option {nameof(KinesisClientOptions.Credentials)} "
                        + $"(of the client or of the host's FastConsumerOptions), {places}. Set one of them; for a local server any values "
                        + $"do. The AWS SDK says: {exception.Message}",
                    KinesisErrorKind.Denied,
                    innerException: exception);
            }

            Volatile.Write(ref _current, credentials);
        }

        if (credentials is BasicAWSCredentials or SessionAWSCredentials)
        {
            // they never change
            return credentials.GetCredentials();
        }

        try
        {
            ImmutableCredentials current = await InTimeAsync(credentials.GetCredentialsAsync(), cancellationToken);
            return current ?? throw new KinesisException(
                $"The AWS credentials of type {credentials.GetType().Name} are anonymous; Kinesis takes signed requests only. "
                    + $"Set other ones in the option {nameof(KinesisClientOptions.Credentials)} (of the client or of the host's "
                    + "FastConsumerOptions), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
                KinesisErrorKind.Denied);
        }
        catch (Exception exception) when (exception is not KinesisException && !IsCancellation(exception, cancellationToken))
        {
            throw new KinesisException(
                $"The AWS credentials of type {credentials.GetType().Name} could not be obtained: {exception.Message} Check the role or "
                    + "the profile; a session of AWS SSO is renewed by 'aws sso login'.",
                KinesisErrorKind.Denied,
                innerException: exception);
        }
    }

    /// <summary>
    /// Looks for other credentials than those that the service has refused, at once where that has not just been done; true where there are
    /// some.
    /// </summary>
    /// <exception cref="KinesisException">There are none any more.</exception>
    public async ValueTask<bool> TryRenewAsync(ImmutableCredentials refused, CancellationToken cancellationToken)
    {
        await _oneRenewal.WaitAsync(cancellationToken);
        try
        {
            if (!IsSame(await GetAsync(cancellationToken), refused))
            {
                // another request has seen to it
                return true;
            }

            bool isOther = false;
            if (_renewedAt is not { } renewedAt || _time.GetElapsedTime(renewedAt) >= s_renewalInterval)
            {
                _renewedAt = _time.GetTimestamp();
                // what it would hold for longer has been refused before its time
                (Volatile.Read(ref _current) as RefreshingAWSCredentials)?.ClearCredentials();
                Forget();
                isOther = !IsSame(await GetAsync(cancellationToken), refused);
            }

            if (!isOther)
            {
                // looked for anew at the next request
                Forget();
            }

            return isOther;
        }
        finally
        {
            _oneRenewal.Release();
        }
    }

    public void Dispose()
    {
        _chain.Dispose();
        _oneRenewal.Dispose();
    }

    /// <summary>
    /// What answers nothing, such as a connection to a credentials endpoint that is dead, must not hold up its caller in silence.
    /// </summary>
    private async Task<T> InTimeAsync<T>(Task<T> looking, CancellationToken cancellationToken)
    {
        try
        {
            return await looking.WaitAsync(_timeout, _time, cancellationToken);
        }
        catch (TimeoutException exception) when (!looking.IsCompleted)
        {
            // what it ends with later is of no interest
            _ = looking.ContinueWith(
                static late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw new KinesisException(
                $"The AWS credentials did not come within {_timeout}. Check that their source can be reached: the AWS STS or SSO endpoint, "
                    + "the container's or instance's metadata, or the process that the profile names.",
                KinesisErrorKind.Unavailable,
                innerException: exception);
        }
    }

    private void Forget()
    {
        if (!_isGiven)
        {
            Volatile.Write(ref _current, null);
        }
    }

    private static bool IsSame(ImmutableCredentials left, ImmutableCredentials right) =>
        left.AccessKey == right.AccessKey && left.SecretKey == right.SecretKey && left.Token == right.Token;

    /// <summary>True where the caller gave up; a provider that gave up is one that has failed.</summary>
    private static bool IsCancellation(Exception exception, CancellationToken cancellationToken) =>
        exception is OperationCanceledException && cancellationToken.IsCancellationRequested;
}
