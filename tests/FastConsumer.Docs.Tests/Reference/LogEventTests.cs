using System.Reflection;
using System.Text;
using FastConsumer.CloudWatch;
using FastConsumer.Dashboard;
using FastConsumer.DynamoDb;
using FastConsumer.Hosting;
using FastConsumer.S3;
using FastConsumer.Testing;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Docs.Tests.Reference;

/// <summary>docs/reference/log-events.md lists every message that is logged, by its id.</summary>
public sealed class LogEventTests
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static IReadOnlyList<LoggerMessageAttribute> Messages { get; } =
    [
        .. new[]
            {
                typeof(ConsumerSettings), typeof(DynamoDbLeaseOptions), typeof(CloudWatchOptions), typeof(FastConsumerDashboardOptions),
                typeof(S3CheckpointOptions), typeof(EmbeddedKinesis),
            }
            .SelectMany(static type => type.Assembly.GetTypes())
            .SelectMany(static type => type.GetMethods(Declared))
            .Select(static method => method.GetCustomAttribute<LoggerMessageAttribute>()!)
            .Where(static message => message is not null)
            .OrderBy(static message => message.EventId),
    ];

    [Fact]
    public void Every_message_is_listed()
    {
        Assert.NotEmpty(Messages);
        var table = new StringBuilder("| id | level | message |\n| --- | --- | --- |\n");
        foreach (LoggerMessageAttribute message in Messages)
        {
            string level = message.Level == LogLevel.None ? "varies" : message.Level.ToString();
            string text = message.Message.Replace("<", "&lt;", StringComparison.Ordinal);
            table.Append(null, $"| {message.EventId} | {level} | {GeneratedTable.Cell(text)} |\n");
        }

        GeneratedTable.Matches("docs/reference/log-events.md", "log events", table.ToString());
    }

    [Fact]
    public void An_id_is_given_once() => Assert.Empty(
        Messages.GroupBy(static message => message.EventId).Where(static same => same.Count() > 1).Select(static same => same.Key));
}
