using System.Diagnostics;
using FastConsumer.Integration.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// Whoever starts this program holds the other end of its standard input, and so ends it by ending itself.
_ = Task.Run(async () =>
{
    await Console.In.ReadToEndAsync();
    Process.GetCurrentProcess().Kill();
});

// All settings come from the command line and the environment, as in a program of a user's.
HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Logging.ClearProviders().AddSimpleConsole(static console => console.SingleLine = true);
builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
    static console => console.LogToStandardErrorThreshold = LogLevel.Trace);
builder.Services.AddFastConsumer().AddProcessor<PrintingProcessor>().UseDynamoDb();
await builder.Build().RunAsync();
