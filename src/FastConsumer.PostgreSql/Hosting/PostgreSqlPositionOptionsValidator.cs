using Microsoft.Extensions.Options;

namespace FastConsumer.PostgreSql;

/// <summary>Finds what cannot work before the first connection does.</summary>
internal sealed class PostgreSqlPositionOptionsValidator(string consumerName, string section) : IValidateOptions<PostgreSqlPositionOptions>
{
    public ValidateOptionsResult Validate(string? name, PostgreSqlPositionOptions options)
    {
        if (name != consumerName)
        {
            return ValidateOptionsResult.Skip;
        }

        var result = new ValidateOptionsResultBuilder();
        foreach ((string property, string problem) in options.Problems())
        {
            result.AddError($"{section}:{property}: {problem}");
        }

        return result.Build();
    }
}
