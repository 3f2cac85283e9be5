using System.Data.Common;

namespace FastConsumer.PostgreSql;

/// <summary>
/// The table of the positions cannot be used. The message is complete: it names the table and the server, and what to do.
/// <see cref="Exception.InnerException"/> is the driver's, where it said so.
/// </summary>
public sealed class PostgreSqlPositionException : DbException
{
    private readonly string? _sqlState;

    /// <summary>Creates the exception.</summary>
    /// <param name="message">Names value and remedy.</param>
    /// <param name="isTransient">Whether the same call may succeed later.</param>
    /// <param name="innerException">What the driver threw.</param>
    public PostgreSqlPositionException(string message, bool isTransient, Exception? innerException = null)
        : base(message, innerException)
    {
        IsTransient = isTransient;
        _sqlState = (innerException as DbException)?.SqlState;
    }

    /// <summary>Whether the same call may succeed later without anybody's help.</summary>
    public override bool IsTransient { get; }

    /// <summary>PostgreSQL's code of the error, such as <c>42P01</c>; null where the server did not answer.</summary>
    public override string? SqlState => _sqlState;
}
