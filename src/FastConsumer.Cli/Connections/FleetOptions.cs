using System.CommandLine;

namespace FastConsumer.Cli.Connections;

/// <summary>The options that say which application and stream is meant, and where its services are.</summary>
internal static class FleetOptions
{
    public static Option<string?> Application { get; } = new("--application", "-a")
    {
        Description = "The application, whose name is that of its lease table. Default: FASTCONSUMER_APPLICATION.",
        HelpName = "name",
    };

    public static Option<string?> Stream { get; } = new("--stream", "-s")
    {
        Description = "The stream's name or ARN. Default: FASTCONSUMER_STREAM, else what the lease table says.",
        HelpName = "name",
    };

    public static Option<string?> Table { get; } = new("--table")
    {
        Description = "The lease table, where it has not the application's name. Default: FASTCONSUMER_TABLE.",
        HelpName = "name",
    };

    public static Option<string?> Region { get; } = new("--region")
    {
        Description = "The region. Default: as every AWS SDK finds it (AWS_REGION, the profile's).",
        HelpName = "region",
    };

    public static Option<string?> Profile { get; } = new("--profile")
    {
        Description = "The profile of the shared configuration files. Default: AWS_PROFILE.",
        HelpName = "profile",
    };

    public static Option<string?> EndpointUrl { get; } = new("--endpoint-url")
    {
        Description = "Kinesis at another address. Default: AWS_ENDPOINT_URL_KINESIS.",
        HelpName = "url",
    };

    public static Option<string?> TableEndpointUrl { get; } = new("--table-endpoint-url")
    {
        Description = "DynamoDB at another address. Default: AWS_ENDPOINT_URL_DYNAMODB.",
        HelpName = "url",
    };

    /// <summary>For commands on the stream alone.</summary>
    public static void AddStreamTo(Command command)
    {
        command.Options.Add(Stream);
        command.Options.Add(Region);
        command.Options.Add(Profile);
        command.Options.Add(EndpointUrl);
    }

    /// <summary>For commands on the lease table.</summary>
    public static void AddFleetTo(Command command)
    {
        command.Options.Add(Application);
        command.Options.Add(Table);
        AddStreamTo(command);
        command.Options.Add(TableEndpointUrl);
    }

    /// <summary>The option's value, else that of an environment variable; null where both are missing or empty.</summary>
    public static string? Read(ParseResult arguments, Option<string?> option, string? variable = null)
    {
        string? value = arguments.GetValue(option);
        value = string.IsNullOrWhiteSpace(value) && variable is not null ? Environment.GetEnvironmentVariable(variable) : value;
        return string.IsNullOrWhiteSpace(value) ? null : value;
    }
}
