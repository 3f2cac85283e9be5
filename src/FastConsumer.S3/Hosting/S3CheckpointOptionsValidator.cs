using Microsoft.Extensions.Options;

namespace FastConsumer.S3;

/// <summary>Finds what cannot work before the first request does.</summary>
internal sealed class S3CheckpointOptionsValidator(string consumerName, string section) : IValidateOptions<S3CheckpointOptions>
{
    public ValidateOptionsResult Validate(string? name, S3CheckpointOptions options)
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
