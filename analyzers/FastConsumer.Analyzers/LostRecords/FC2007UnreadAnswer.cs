using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.LostRecords;

/// <summary>FC2007: an answer says that something was not done, and nobody looks at it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC2007UnreadAnswer : HandlerAnalyzer
{
    // the type of the answer, and the members that say what was not done; the documented list
    private static readonly (string Namespace, string Name, string[] Members)[] s_answers =
    [
        ("System.Net.Http", "HttpResponseMessage", ["StatusCode", "IsSuccessStatusCode", "EnsureSuccessStatusCode"]),
        ("Amazon.SQS.Model", "SendMessageBatchResponse", ["Failed"]),
        ("Amazon.SQS.Model", "DeleteMessageBatchResponse", ["Failed"]),
        ("Amazon.SQS.Model", "ChangeMessageVisibilityBatchResponse", ["Failed"]),
        ("Amazon.SimpleNotificationService.Model", "PublishBatchResponse", ["Failed"]),
        ("Amazon.Kinesis.Model", "PutRecordsResponse", ["FailedRecordCount", "Records"]),
        ("Amazon.KinesisFirehose.Model", "PutRecordBatchResponse", ["FailedPutCount", "RequestResponses"]),
        ("Amazon.DynamoDBv2.Model", "BatchWriteItemResponse", ["UnprocessedItems"]),
        ("Amazon.DynamoDBv2.Model", "BatchExecuteStatementResponse", ["Responses"]),
        ("Amazon.EventBridge.Model", "PutEventsResponse", ["FailedEntryCount", "Entries"]),
        ("MySqlConnector", "MySqlBulkCopyResult", ["Warnings", "RowsInserted"]),
    ];

    private static readonly HashSet<string> s_names = [.. s_answers.Select(answer => answer.Name)];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.UnreadAnswer];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        foreach (ReachedMethod method in code.FromRecords)
        {
            foreach (IInvocationOperation call in method.Of<IInvocationOperation>())
            {
                if (Find(call, method, code, findings.CancellationToken) is { } message)
                {
                    findings.Report(Descriptors.UnreadAnswer, call.Syntax.GetLocation(), message);
                }
            }
        }
    }

    private static string? Find(IInvocationOperation call, ReachedMethod method, ProcessorCode code, CancellationToken cancellationToken)
    {
        if (IsWithoutReport(call))
        {
            return "Produce is given no delivery handler, so nobody learns of a message that was not delivered, and its record counts as "
                + "done. Await ProduceAsync, or pass a handler and wait for it.";
        }

        ITypeSymbol? answer = call.Type.IsTask() ? call.Type!.OnlyTypeArgument() : call.Type;
        if (answer is null || !s_names.Contains(answer.Name)
            || call.TargetMethod.Name is "ConfigureAwait" or "WaitAsync" or "AsTask" or "GetResult")
        {
            return null;
        }

        foreach ((string place, string name, string[] members) in s_answers)
        {
            if (answer.Is(place, name)
                && !IsMade(call)
                && ((ResultUse.IsWaitedFor(call)
                        && ResultUse.Of(call, method, member => Array.IndexOf(members, member.Name) >= 0) != ResultFate.LookedAt)
                    || DroppedTasks.Holds(call, method))
                && !(code.Target(call, cancellationToken) is { } target && LooksAt(target.Body, members)))
            {
                return $"The answer of '{call.TargetMethod.Name}' says what was not done, and nobody looks at its {members[0]}: "
                    + $"the record counts as done all the same. {Remedy(name, members[0])}";
            }
        }

        return null;
    }

    /// <summary>True for a method of this compilation that looks at the answer before it returns it.</summary>
    private static bool LooksAt(IOperation body, string[] members) => body.Descendants().Any(operation => operation switch
    {
        IInvocationOperation call => Array.IndexOf(members, call.TargetMethod.Name) >= 0,
        IPropertyReferenceOperation property => Array.IndexOf(members, property.Property.Name) >= 0,
        _ => false,
    });

    private static string Remedy(string answer, string member) => answer == "HttpResponseMessage"
        ? "Call EnsureSuccessStatusCode, or look at the status."
        : $"Look at {member}, and throw or send again what is in it.";

    // a response that is made here is no answer
    private static bool IsMade(IInvocationOperation call) => call.TargetMethod.ContainingType.Is("System.Net.Http", "HttpResponseMessage");

    /// <summary>Kafka's Produce, whose delivery handler is left out.</summary>
    private static bool IsWithoutReport(IInvocationOperation call) =>
        call.TargetMethod.Name == "Produce"
        && call.TargetMethod.ContainingType.Name is "IProducer" or "Producer" or "ProducerExtensions"
        && call.TargetMethod.ContainingType.NamespaceName() == "Confluent.Kafka"
        && call.Arguments.Any(argument => argument.Parameter?.Name == "deliveryHandler"
            && (argument.ArgumentKind == ArgumentKind.DefaultValue
                || argument.Value.Unwrapped().ConstantValue is { HasValue: true, Value: null }));
}
