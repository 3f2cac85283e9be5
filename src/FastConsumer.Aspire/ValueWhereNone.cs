using Aspire.Hosting.ApplicationModel;

namespace FastConsumer.Aspire;

/// <summary>
/// A variable that is left out where the program has been given one. That is asked when all of its environment is known, so it does not
/// matter in which order the app host says things.
/// </summary>
internal sealed class ValueWhereNone(string value, Func<bool> isGiven) : IValueProvider
{
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(isGiven() ? null : value);
}
