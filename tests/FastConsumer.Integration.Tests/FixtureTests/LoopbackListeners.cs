using System.Net;
using System.Net.NetworkInformation;

namespace FastConsumer.Integration.Tests.FixtureTests;

/// <summary>Looks at who listens on this machine.</summary>
internal static class LoopbackListeners
{
    /// <summary>Asserts that the port of a URL is open on 127.0.0.1 and on no other address.</summary>
    public static void AssertOnly(string serviceUrl)
    {
        var port = new Uri(serviceUrl).Port;
        var listener = Assert.Single(IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners(), end => end.Port == port);
        Assert.Equal(IPAddress.Loopback, listener.Address);
    }
}
