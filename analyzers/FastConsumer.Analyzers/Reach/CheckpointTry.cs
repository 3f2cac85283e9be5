using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>A <c>try</c> around a checkpoint alone.</summary>
internal static class CheckpointTry
{
    public static bool IsAllOf(ITryOperation attempt)
    {
        IInvocationOperation[] calls = [
            .. attempt.Body.Descendants().OfType<IInvocationOperation>().Where(call => call.TargetMethod.Name != "ConfigureAwait")];
        return calls.Length > 0 && calls.All(IsCheckpoint);
    }

    public static bool IsCheckpoint(IInvocationOperation call) =>
        call.TargetMethod.Name == "CheckpointAsync" && call.TargetMethod.ContainingType.NamespaceName() == "FastConsumer";
}
