using Microsoft.Extensions.Options;

namespace FastConsumer.Hosting;

/// <summary>Validates the options of one name.</summary>
internal sealed class SettingsValidator<TOptions>(string validated, Func<TOptions, ValidateOptionsResult> validate)
    : IValidateOptions<TOptions>
    where TOptions : class
{
    public ValidateOptionsResult Validate(string? name, TOptions options) =>
        name == validated ? validate(options) : ValidateOptionsResult.Skip;
}
