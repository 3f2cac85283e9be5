namespace FastConsumer.CompilerTesting.Verification;

/// <summary>The attributes that rules know by name and FastConsumer does not have yet; nothing once it has them.</summary>
internal static class ErrorPolicyStub
{
    private const string OnError =
        """
        namespace FastConsumer
        {
            internal enum ErrorAction { Retry, Skip, DeadLetter, Stop }

            [System.AttributeUsage(System.AttributeTargets.Assembly | System.AttributeTargets.Class | System.AttributeTargets.Method, AllowMultiple = true)]
            internal sealed class OnErrorAttribute(System.Type exceptionType, ErrorAction action) : System.Attribute
            {
                public System.Type ExceptionType { get; } = exceptionType;
                public ErrorAction Action { get; } = action;
                public int MaxAttempts { get; set; }
                public string? InitialBackoff { get; set; }
                public string? MaxBackoff { get; set; }
                public ErrorAction Then { get; set; }
            }
        }
        """;

    private const string Concurrency =
        """
        namespace FastConsumer
        {
            [System.AttributeUsage(System.AttributeTargets.Class)]
            internal sealed class ConcurrencyAttribute(int lanes) : System.Attribute
            {
                public int Lanes { get; } = lanes;
            }
        }
        """;

    public static (string Path, string Text)[] Files { get; } =
        [.. new[] { ("OnErrorAttribute", OnError), ("ConcurrencyAttribute", Concurrency) }
            .Where(stub => typeof(KinesisRecord).Assembly.GetType($"FastConsumer.{stub.Item1}") is null)
            .Select(stub => ($"{stub.Item1}.cs", stub.Item2))];
}
