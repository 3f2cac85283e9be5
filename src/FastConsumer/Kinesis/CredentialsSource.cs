using Amazon.Runtime;
using Amazon.Runtime.Credentials;

namespace FastConsumer.Kinesis;

/// <summary>The credentials that requests are signed with: the given ones, or what AWSSDK.Core's default chain finds.</summary>
internal sealed class CredentialsSource : IDisposable
{
    private readonly DefaultAWSCredentialsIdentityResolver _chain = new();
    private readonly AwsSettings _settings;
    private readonly string? _profile;
    private readonly bool _isGiven;
    private AWSCredentials? _current;

    public CredentialsSource(AWSCredentials? given, string? profile, AwsSettings settings)
    {
        _current = given;
        _isGiven = given is not null;
        _profile = profile;
        _settings = settings;
    }

    /// <summary>The current credentials; temporary ones are renewed by AWSSDK.Core.</summary>
    /// <exception cref="KinesisException">There are none.</exception>
    public async ValueTask<ImmutableCredentials> GetAsync(CancellationToken cancellationToken)
    {
        AWSCredentials? credentials = Volatile.Read(ref _current);
        if (credentials is null)
        {
            try
            {
                credentials = await _chain.ResolveIdentityAsync(_settings, cancellationToken).WaitAsync(cancellationToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                throw new KinesisException(
                    $"No AWS credentials were found. They are looked for in {nameof(KinesisClientOptions)}.{nameof(KinesisClientOptions.Credentials)}, {(_profile is null ? "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a web identity token, the profile (AWS_PROFILE or default) in ~/.aws, and the metadata of the container or instance" : $"the profile '{_profile}' in ~/.aws")}. Set one of them; for a local server any values do. The AWS SDK says: {exception.Message}",
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
            ImmutableCredentials current = await credentials.GetCredentialsAsync().WaitAsync(cancellationToken);
            return current ?? throw new KinesisException(
                $"The AWS credentials of type {credentials.GetType().Name} are anonymous; Kinesis takes signed requests only. Set {nameof(KinesisClientOptions)}.{nameof(KinesisClientOptions.Credentials)} or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
                KinesisErrorKind.Denied);
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or KinesisException))
        {
            throw new KinesisException(
                $"The AWS credentials of type {credentials.GetType().Name} could not be obtained: {exception.Message} Check the role or the profile; a session of AWS SSO is renewed by 'aws sso login'.",
                KinesisErrorKind.Denied,
                innerException: exception);
        }
    }

    /// <summary>Looks for credentials anew at the next request, where the service refused those that the chain found.</summary>
    public void Forget()
    {
        if (!_isGiven)
        {
            Volatile.Write(ref _current, null);
        }
    }

    public void Dispose() => _chain.Dispose();
}
