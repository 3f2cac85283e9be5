namespace FastConsumer.Testing.Positions;

/// <summary>
/// A store of positions does not do what <see cref="IPositionStore{TTransaction}"/> says. The message names the case, what was expected and
/// what was found.
/// </summary>
public sealed class PositionStoreConformanceException : Exception
{
    /// <summary>Creates the exception; <paramref name="message"/> is complete.</summary>
    public PositionStoreConformanceException(string message)
        : base(message)
    {
    }
}
