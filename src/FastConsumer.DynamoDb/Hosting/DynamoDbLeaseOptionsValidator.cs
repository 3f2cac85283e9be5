using Microsoft.Extensions.Options;

namespace FastConsumer.DynamoDb;

/// <summary>Finds what cannot work before the first request does.</summary>
internal sealed class DynamoDbLeaseOptionsValidator(string consumerName, string section) : IValidateOptions<DynamoDbLeaseOptions>
{
    private static readonly TimeSpan s_longestRequestTimeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_longestObservation = TimeSpan.FromMinutes(10);

    public ValidateOptionsResult Validate(string? name, DynamoDbLeaseOptions options)
    {
        if (name != consumerName)
        {
            return ValidateOptionsResult.Skip;
        }

        var result = new ValidateOptionsResultBuilder();
        if (options.TableName is { } tableName && !LeaseTableName.IsValid(tableName))
        {
            Add(nameof(options.TableName), $"'{tableName}' is not a table: {LeaseTableName.Rule}.");
        }

        if (!Enum.IsDefined(options.TableMode))
        {
            Add(nameof(options.TableMode), $"{(int)options.TableMode} is neither Create nor Require.");
        }

        if (options.Region is { } region && !IsRegion(region))
        {
            Add(nameof(options.Region), $"'{region}' is not the system name of a region, such as eu-central-1.");
        }

        if (options.Profile is { } profile && string.IsNullOrWhiteSpace(profile))
        {
            Add(nameof(options.Profile), "it is blank; leave it out to use the default profile.");
        }

        if (options.ServiceUrl is { } url
            && !(Uri.TryCreate(url, UriKind.Absolute, out Uri? uri)
                && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)))
        {
            Add(nameof(options.ServiceUrl), $"'{url}' is not an absolute http or https address, such as http://127.0.0.1:8000.");
        }

        if (options.RequestTimeout <= TimeSpan.Zero || options.RequestTimeout > s_longestRequestTimeout)
        {
            Add(nameof(options.RequestTimeout), $"{options.RequestTimeout} is not above 0 and at most {s_longestRequestTimeout}.");
        }

        if (options.Kcl3ObservationTime <= TimeSpan.Zero || options.Kcl3ObservationTime > s_longestObservation)
        {
            Add(nameof(options.Kcl3ObservationTime), $"{options.Kcl3ObservationTime} is not above 0 and at most {s_longestObservation}.");
        }

        // the limits of DynamoDB's TagResource
        if (options.Tags.Count > 50)
        {
            Add(nameof(options.Tags), $"there are {options.Tags.Count}, and a table takes 50.");
        }

        foreach ((string key, string value) in options.Tags)
        {
            if (key.Length is 0 or > 128 || value is null || value.Length > 256)
            {
                Add(nameof(options.Tags), $"'{key}': a key has 1 to 128 characters and a value up to 256.");
            }
        }

        return result.Build();

        void Add(string property, string problem) => result.AddError($"{section}:{property}: {problem}");
    }

    private static bool IsRegion(string region) =>
        region.Length is > 0 and <= 63 && region.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
