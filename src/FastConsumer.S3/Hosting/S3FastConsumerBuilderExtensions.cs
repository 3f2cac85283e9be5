using System.Security.Cryptography;
using Amazon.S3;
using FastConsumer.Checkpoints;
using FastConsumer.Hosting;
using FastConsumer.S3;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Snapshots of processors' state on S3.</summary>
public static class S3FastConsumerBuilderExtensions
{
    /// <summary>Keeps snapshots of processors' state in a bucket of Amazon S3, or of a store that speaks its protocol.</summary>
    /// <remarks>
    /// <para>
    /// The bucket must exist, and refuse to write over what is there (<c>If-None-Match: *</c>), as Amazon S3 does; stores that ignore the
    /// condition are refused at start. The region is the consumer's (<c>FastConsumer:Region</c>) unless
    /// <see cref="S3CheckpointOptions.Region"/> says another. An <see cref="IAmazonS3"/> in the host's services is used where the options
    /// name no region, profile, endpoint or credentials; it stays the application's. What is left open is taken from the
    /// <c>AWSOptions</c> in the host's services, else from the configuration section <c>AWS</c>, else it is found as every AWS SDK finds
    /// it.
    /// </para>
    /// <para>
    /// IAM actions on <c>arn:aws:s3:::BUCKET/PREFIX/*</c>: <c>s3:PutObject</c>, <c>s3:GetObject</c>, <c>s3:DeleteObject</c>,
    /// <c>s3:AbortMultipartUpload</c>; on <c>arn:aws:s3:::BUCKET</c>: <c>s3:ListBucket</c>. A rule of the bucket's life cycle should
    /// remove incomplete multipart uploads after some days: a worker that is killed leaves one.
    /// </para>
    /// </remarks>
    /// <param name="builder">The consumer.</param>
    /// <param name="bucket">The bucket's name; null for what the configuration says (<c>FastConsumer:S3:Bucket</c>).</param>
    /// <param name="prefix">
    /// What the objects' keys begin with, such as <c>state/orders</c>; null for what the configuration says
    /// (<c>FastConsumer:S3:Prefix</c>).
    /// </param>
    /// <param name="configure">Applied after the configuration section <c>S3</c> of the consumer's, and after the parameters.</param>
    public static FastConsumerBuilder UseS3Checkpoints(
        this FastConsumerBuilder builder, string? bucket = null, string? prefix = null, Action<S3CheckpointOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        string name = builder.Name;
        string section = $"{builder.ConfigurationSection}:S3";
        builder.AddConfigurationSection("S3", typeof(S3CheckpointOptions).GetProperties().Select(static property => property.Name));
        OptionsBuilder<S3CheckpointOptions> options = builder.Services
            .AddOptions<S3CheckpointOptions>(name)
            .BindConfiguration(section)
            .Configure(own =>
            {
                own.Bucket = bucket ?? own.Bucket;
                own.Prefix = prefix ?? own.Prefix;
            })
            .ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        builder.Services.AddSingleton<IValidateOptions<S3CheckpointOptions>>(new S3CheckpointOptionsValidator(name, section));
        builder.Services.AddKeyedSingleton<ICheckpointStore>(name, (services, _) =>
        {
            S3CheckpointOptions own = services.GetRequiredService<IOptionsMonitor<S3CheckpointOptions>>().Get(name);
            return new S3CheckpointStore(
                own,
                () => new S3Connection(
                    own,
                    services.GetRequiredService<IOptionsMonitor<FastConsumerOptions>>().Get(name),
                    AwsDefaults.Find(services),
                    services.GetService<IAmazonS3>(),
                    section),
                new Random(RandomNumberGenerator.GetInt32(int.MaxValue)),
                services.GetService<TimeProvider>() ?? TimeProvider.System,
                (services.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance).CreateLogger<S3CheckpointStore>());
        });
        return builder;
    }
}
