using System.ComponentModel;

namespace FastConsumer.Processors;

/// <summary>
/// An <see cref="OnErrorAttribute"/> as generated code hands it to the dispatcher; its exception's type is a test in that code.
/// </summary>
/// <param name="action">What becomes of the record.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class ErrorRule(ErrorAction action)
{
    /// <summary>What becomes of the record.</summary>
    public ErrorAction Action { get; } = action;

    /// <inheritdoc cref="OnErrorAttribute.MaxAttempts"/>
    public int MaxAttempts { get; init; }

    /// <summary>The wait before the second attempt; null for what the options say.</summary>
    public TimeSpan? InitialBackoff { get; init; }

    /// <summary>The longest wait; null for what the options say.</summary>
    public TimeSpan? MaxBackoff { get; init; }

    /// <inheritdoc cref="OnErrorAttribute.Then"/>
    public ErrorAction Then { get; init; } = ErrorAction.Stop;
}
