using System.Text.Json;
using System.Text.Json.Serialization;
using FastConsumer;

namespace DeadLetters;

/// <summary>A payment to be made.</summary>
public sealed record Payment(int Id, string Account);

/// <summary>JSON without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Payment))]
public sealed partial class PaymentJson : JsonSerializerContext;

/// <summary>
/// Makes payments. What is no payment, or cannot be paid, is dead at once; where the bank is slow, after the third attempt. The others
/// behind it go on then.
/// </summary>
[KinesisProcessor("payments", JsonContext = typeof(PaymentJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(AccountClosedException), ErrorAction.DeadLetter)]
[OnError(typeof(TimeoutException), ErrorAction.Retry, MaxAttempts = 3, InitialBackoff = "00:00:00.05", Then = ErrorAction.DeadLetter)]
public sealed partial class PaymentProcessor(Bank bank)
{
    [OnRecord]
    private Task HandleAsync(Payment payment, CancellationToken cancellationToken) => bank.PayAsync(payment, cancellationToken);
}

/// <summary>
/// A dead letter in a stream is the record as it was, so this is a processor like the first. What fails here too is for people.
/// </summary>
[KinesisProcessor("payments-dead", JsonContext = typeof(PaymentJson))]
[OnError(typeof(TimeoutException), ErrorAction.Retry, MaxAttempts = 2, InitialBackoff = "00:00:00.05", Then = ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.DeadLetter)]
public sealed partial class SecondChanceProcessor(Bank bank)
{
    [OnRecord]
    private Task HandleAsync(Payment payment, CancellationToken cancellationToken) => bank.PayAsync(payment, cancellationToken);
}
