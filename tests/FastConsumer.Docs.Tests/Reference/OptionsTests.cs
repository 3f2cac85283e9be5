using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;
using FastConsumer.Diagnostics;
using FastConsumer.DynamoDb;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.PostgreSql;
using FastConsumer.S3;
using FastConsumer.Testing;
using FastConsumer.Testing.Harness;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Docs.Tests.Reference;

/// <summary>docs/reference/options.md lists every option there is, with its default and what its comment says.</summary>
public sealed class OptionsTests
{
    private const string Page = "docs/reference/options.md";

    [Theory]
    [InlineData(typeof(ConsumerSettings), "consumer and processor")]
    [InlineData(typeof(FastConsumerOptions), "consumer")]
    [InlineData(typeof(ProcessorOptions), "processor")]
    [InlineData(typeof(FindingOptions), "findings")]
    [InlineData(typeof(CheckpointingOptions), "checkpointing")]
    [InlineData(typeof(LagOptions), "lag")]
    [InlineData(typeof(TelemetryOptions), "telemetry")]
    [InlineData(typeof(DynamoDbLeaseOptions), "leases on DynamoDB")]
    [InlineData(typeof(PostgreSqlPositionOptions), "positions on PostgreSQL")]
    [InlineData(typeof(S3CheckpointOptions), "checkpoints on S3")]
    public void Options_of_the_configuration_are_listed(Type type, string name) =>
        GeneratedTable.Matches(Page, name, Table(type, isConfigured: true));

    [Theory]
    [InlineData(typeof(DynamoDbPositionOptions), "DynamoDbPositions")]
    [InlineData(typeof(KinesisClientOptions), "KinesisClient")]
    [InlineData(typeof(EmbeddedKinesisOptions), "EmbeddedKinesis")]
    [InlineData(typeof(EmbeddedS3Options), "EmbeddedS3")]
    [InlineData(typeof(ProcessorHarnessOptions), "ProcessorHarness")]
    [InlineData(typeof(ClusterSimulationOptions), "ClusterSimulation")]
    public void Options_of_code_are_listed(Type type, string name) => GeneratedTable.Matches(Page, name, Table(type, isConfigured: false));

    /// <summary>No class of options is left out: each that a user can set is in one of the tables.</summary>
    [Fact]
    public void There_are_no_others()
    {
        Type[] listed =
        [
            .. typeof(OptionsTests).GetMethods().SelectMany(static method => method.GetCustomAttributes<InlineDataAttribute>())
                .Select(static data => (Type)data.Data[0]!),
        ];
        Type[] there = [.. new[]
            {
                typeof(ConsumerSettings), typeof(DynamoDbLeaseOptions), typeof(PostgreSqlPositionOptions), typeof(S3CheckpointOptions),
                typeof(EmbeddedKinesis),
            }
            .SelectMany(static type => type.Assembly.GetExportedTypes())
            .Where(static type => type.Name.EndsWith("Options", StringComparison.Ordinal) || type == typeof(ConsumerSettings))];

        Assert.Equal(there.OrderBy(static type => type.Name), listed.OrderBy(static type => type.Name));
    }

    private static string Table(Type type, bool isConfigured)
    {
        object? instance = type.IsAbstract ? null : Activator.CreateInstance(type);
        var table = new StringBuilder();
        table.Append(isConfigured ? "| key | JSON |" : "| property | type |");
        table.Append(" default | what it does |\n| --- | --- | --- | --- |\n");
        foreach (PropertyInfo property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(static property => property.SetMethod?.IsPublic == true || typeof(IDictionary).IsAssignableFrom(property.PropertyType)
                || property.PropertyType.Name.StartsWith("IDictionary", StringComparison.Ordinal)))
        {
            Type of = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            object? value = instance is null ? null : property.GetValue(instance);
            // for null the default stands in a field, or in the comment
            value ??= type.GetField($"Default{property.Name}", BindingFlags.Public | BindingFlags.Static)?.GetValue(null);
            if (type.GetProperty($"Default{property.Name}", BindingFlags.Public | BindingFlags.Static) is not null)
            {
                // the default depends on the machine, so the page must not show this one's
                value = null;
            }

            string form = isConfigured ? Json(of, value) : $"`{Name(of)}`";
            table.Append(CultureInfo.InvariantCulture, $"| `{property.Name}` | {form} | {Default(of, value)} | ")
                .Append(GeneratedTable.Cell(XmlDocs.Summary(property))).Append(" |\n");
        }

        return table.ToString();
    }

    /// <summary>The form of a value in appsettings.json.</summary>
    private static string Json(Type type, object? value) => type switch
    {
        { IsEnum: true } => string.Join(", ", Enum.GetNames(type).Select(static name => $"`\"{name}\"`")),
        _ when type == typeof(TimeSpan) => $"`\"{Time((TimeSpan?)value ?? TimeSpan.FromSeconds(10))}\"`",
        _ when type == typeof(DateTimeOffset) => "`\"2026-01-31T12:00:00Z\"`",
        _ when type == typeof(bool) => "`true`, `false`",
        _ when type == typeof(string) => "`\"text\"`",
        _ when type == typeof(double) || type == typeof(int) || type == typeof(long) =>
            value is null ? "a number" : $"`{Convert.ToString(value, CultureInfo.InvariantCulture)}`",
        _ when type == typeof(Dictionary<string, FindingOptions>) => "`{ \"FCF2003\": { } }`",
        _ when type.Name.StartsWith("IDictionary", StringComparison.Ordinal) => "`{ \"name\": \"value\" }`",
        _ => "in code only",
    };

    private static string Default(Type type, object? value) => value switch
    {
        null when type.IsValueType => "see text",
        null or IDictionary { Count: 0 } => "not set",
        _ when type == typeof(TimeProvider) => "the system's",
        Delegate => "see text",
        TimeSpan time => $"`{Time(time)}`",
        bool flag => flag ? "`true`" : "`false`",
        string text => $"`{text}`",
        CancellationToken => "none",
        IFormattable number => $"`{number.ToString(null, CultureInfo.InvariantCulture)}`",
        _ => $"`{value}`",
    };

    /// <summary>As one writes it: no zeros behind the last digit that counts.</summary>
    private static string Time(TimeSpan time)
    {
        string text = time.ToString("c", CultureInfo.InvariantCulture);
        return text.Contains('.', StringComparison.Ordinal) ? text.TrimEnd('0') : text;
    }

    private static string Name(Type type) => type switch
    {
        _ when type == typeof(int) => "int",
        _ when type == typeof(long) => "long",
        _ when type == typeof(bool) => "bool",
        _ when type == typeof(string) => "string",
        _ when type == typeof(double) => "double",
        { IsGenericType: true } => $"{type.Name[..type.Name.IndexOf('`')]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>",
        _ => type.Name,
    };
}
