using Amazon.Runtime;
using DeadLetters;
using FastConsumer.Hosting;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

const int Payments = 100;
string path = Path.Combine(AppContext.BaseDirectory, "dead-letters.ndjson");
File.Delete(path);

await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync();
kinesis.CreateStream("payments");
kinesis.CreateStream("payments-dead");
for (int id = 1; id <= Payments; id++)
{
    kinesis.Put("payments", $"customer-{id}", id switch
    {
        40 => "this is no JSON",
        80 => """{"id":80,"account":"closed"}""",
        _ => $$"""{"id":{{id}},"account":"open"}""",
    });
}

HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Logging.ClearProviders().AddProvider(new OneLineLog());
builder.Services.AddSingleton<Bank>();
builder.Services
    .AddFastConsumer(options => Connect(options, "payments"))
    .AddProcessor<PaymentProcessor>()
    .UseInMemoryLeases()
    .UseDeadLettersToStream("payments-dead");
builder.Services
    .AddFastConsumer("second-chance", options => Connect(options, "second-chance"))
    .AddProcessor<SecondChanceProcessor>()
    .UseInMemoryLeases()
    .UseDeadLettersToFile(path);
builder.Services.AddHostedService(services => ActivatorUtilities.CreateInstance<EndOfRun>(services, path, Payments));
using IHost host = builder.Build();
Bank bank = host.Services.GetRequiredService<Bank>();

using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2), TimeProvider.System);
await host.RunAsync(patience.Token);

IReadOnlyList<string> letters = DeadLetterFile.Read(path);
Console.WriteLine();
Console.WriteLine($"{bank.Paid} of {Payments} payments are made; {letters.Count} are left for people, in {Path.GetFileName(path)}:");
foreach (string letter in letters)
{
    Console.WriteLine($"  {DeadLetterFile.Describe(letter)}");
}

return bank.Paid + letters.Count == Payments ? 0 : 1;

void Connect(FastConsumerOptions options, string application)
{
    options.ApplicationName = application;
    options.ServiceUrl = kinesis.ServiceUrl;
    options.Region = kinesis.Region;
    options.Credentials = new BasicAWSCredentials("embedded", "embedded");
}
