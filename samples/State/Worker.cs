using Microsoft.Extensions.Hosting;

namespace StateSample;

/// <summary>One worker, in a process of its own.</summary>
internal static class Worker
{
    public static async Task RunAsync(Servers servers)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        servers.AddConsumer(builder.Services);
        using IHost host = builder.Build();
        await host.StartAsync();
        // it ends with the process that started it, however that ends
        await Task.Run(static () => Console.In.ReadToEnd());
        await host.StopAsync();
    }
}
