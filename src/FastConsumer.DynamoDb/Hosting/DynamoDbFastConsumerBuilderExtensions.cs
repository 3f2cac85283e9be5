using Amazon.DynamoDBv2;
using FastConsumer.DynamoDb;
using FastConsumer.Hosting;
using FastConsumer.Leases;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Leases on DynamoDB.</summary>
public static class DynamoDbFastConsumerBuilderExtensions
{
    /// <summary>
    /// Keeps leases and checkpoints on DynamoDB, in the Kinesis Client Library's own table layout. The table is named after
    /// the application unless the options say otherwise.
    /// </summary>
    /// <remarks>
    /// The region is the consumer's (<c>FastConsumer:Region</c>) unless <see cref="DynamoDbLeaseOptions.Region"/> says another. An
    /// <see cref="IAmazonDynamoDB"/> in the host's services is used where the options name no region, profile, endpoint or credentials; it
    /// stays
    /// the application's, and should be made with <c>MaxErrorRetry = 0</c>: a conditional write that is sent again fails its own
    /// condition, and
    /// each such failure costs another read. What is left open is taken from the <c>AWSOptions</c> in the host's services, else from the
    /// configuration section <c>AWS</c>, else it is found as every AWS SDK finds it.
    /// IAM actions on the table: <c>dynamodb:DescribeTable</c>, <c>Scan</c>, <c>GetItem</c>, <c>PutItem</c>, <c>UpdateItem</c>,
    /// <c>DeleteItem</c>; to write up to 25 renewals and checkpoints in a request <c>PartiQLUpdate</c> and <c>BatchGetItem</c>, without
    /// which they go one by one; to create it <c>CreateTable</c>, with tags <c>TagResource</c>; for point-in-time recovery
    /// <c>DescribeContinuousBackups</c> and <c>UpdateContinuousBackups</c>.
    /// </remarks>
    /// <param name="builder">The consumer.</param>
    /// <param name="configure">Applied after the configuration section <c>DynamoDb</c> of the consumer's.</param>
    public static FastConsumerBuilder UseDynamoDb(this FastConsumerBuilder builder, Action<DynamoDbLeaseOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        string name = builder.Name;
        string section = $"{builder.ConfigurationSection}:DynamoDb";
        OptionsBuilder<DynamoDbLeaseOptions> options = builder.Services
            .AddOptions<DynamoDbLeaseOptions>(name)
            .BindConfiguration(section)
            .ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        builder.Services.AddSingleton<IValidateOptions<DynamoDbLeaseOptions>>(new DynamoDbLeaseOptionsValidator(name, section));
        builder.Services.AddKeyedSingleton<ILeaseStoreFactory>(name, (services, _) =>
        {
            DynamoDbLeaseOptions leases = services.GetRequiredService<IOptionsMonitor<DynamoDbLeaseOptions>>().Get(name);
            return new DynamoDbLeaseStoreFactory(
                leases,
                () => new DynamoDbConnection(
                    leases,
                    services.GetRequiredService<IOptionsMonitor<FastConsumerOptions>>().Get(name),
                    AwsDefaults.Find(services),
                    services.GetService<IAmazonDynamoDB>(),
                    section),
                services.GetService<TimeProvider>() ?? TimeProvider.System,
                services.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance);
        });
        return builder;
    }
}
