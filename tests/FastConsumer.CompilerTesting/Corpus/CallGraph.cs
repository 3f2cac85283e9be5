// Exceptions that come from other methods, in this file and elsewhere.
using System.Text;
using System.Text.Json;
using FastConsumer;

namespace Corpus.CallGraph;

public static class Prices
{
    public static decimal Parse(string text) => decimal.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    public static bool TryParse(string text, out decimal price)
    {
        try
        {
            price = Parse(text);
            return true;
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            price = 0;
            return false;
        }
    }
}

public sealed class Customer
{
    public Customer(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Name = name;
    }

    public string Name { get; }
}

[KinesisProcessor("prices")]
[OnError(typeof(FormatException), ErrorAction.DeadLetter)]
public sealed partial class PriceProcessor
{
    [OnRecord]
    public void {|FC2001:Handle|}(string text) => Console.WriteLine(Prices.Parse(text));
}

[KinesisProcessor("prices")]
public sealed partial class SafePriceProcessor
{
    [OnRecord]
    public void Handle(string text)
    {
        if (!Prices.TryParse(text, out decimal price))
        {
            price = decimal.Zero;
        }

        Console.WriteLine(price);
    }
}

[KinesisProcessor("customers")]
[OnError(typeof(FormatException), ErrorAction.DeadLetter)]
[OnError(typeof(OverflowException), ErrorAction.DeadLetter)]
public sealed partial class CustomerProcessor
{
    [OnRecord]
    [OnError(typeof(JsonException), ErrorAction.DeadLetter)]
    public void {|FC2001:Handle|}(ReadOnlySpan<byte> data)
    {
        string? name = JsonSerializer.Deserialize({|FC3004:Encoding.UTF8.GetString(data)|}, CorpusJson.Default.Order)?.Customer;
        Console.WriteLine(new Customer(name ?? "").Name + int.Parse("1"));
    }
}
