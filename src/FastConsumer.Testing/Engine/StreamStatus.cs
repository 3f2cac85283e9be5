namespace FastConsumer.Testing.Engine;

/// <summary>The states of streams and consumers, in the service's words.</summary>
internal static class StreamStatus
{
    public const string Creating = "CREATING";
    public const string Active = "ACTIVE";
    public const string Updating = "UPDATING";
    public const string Deleting = "DELETING";
}
