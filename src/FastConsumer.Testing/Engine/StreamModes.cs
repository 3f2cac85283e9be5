namespace FastConsumer.Testing.Engine;

/// <summary>The capacity modes of streams, in the service's words.</summary>
internal static class StreamModes
{
    public const string Provisioned = "PROVISIONED";
    public const string OnDemand = "ON_DEMAND";
}
