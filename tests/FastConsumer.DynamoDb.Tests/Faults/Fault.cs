namespace FastConsumer.DynamoDb.Tests.Faults;

/// <summary>What goes wrong with one request.</summary>
public enum Fault
{
    /// <summary>The server gets it; the connection breaks before the answer.</summary>
    CutAnswer,

    /// <summary>The server gets it; the answer never comes.</summary>
    NoAnswer,

    /// <summary>The server gets it; the answer is an error 500.</summary>
    ErrorAfter,

    /// <summary>The server gets it twice, as when something on the way sends it again; the second answer counts.</summary>
    SentTwice,

    /// <summary>The connection breaks before the server gets it.</summary>
    CutRequest,

    /// <summary>The server gets it only when the test says so; no answer comes.</summary>
    LateRequest,

    /// <summary>An error 500 instead of the server's answer; the server gets nothing.</summary>
    ErrorInstead,

    /// <summary>Throttled; the server gets nothing.</summary>
    Throttled,

    /// <summary>Denied; the server gets nothing.</summary>
    Denied,
}
