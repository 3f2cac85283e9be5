using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;

namespace FastConsumer.Analyzers;

/// <summary>
/// Every rule. FC1xxx: the shape of a processor; FC2xxx: records that would be lost; FC3xxx: records that would be late;
/// FC4xxx: values of settings; FC5xxx: keyed state and outputs. A rule's message names what is wrong and the remedy; it is written where
/// the rule is found, since one rule has several ways to be broken.
/// </summary>
internal static class Descriptors
{
    private const string Processor = "Processor";
    private const string LostRecords = "LostRecords";
    private const string LateRecords = "LateRecords";
    private const string Settings = "Settings";
    private const string State = "State";

    public static readonly DiagnosticDescriptor Type = Rule(RuleIds.Type, Processor, "A processor is a partial class that DI can create");

    public static readonly DiagnosticDescriptor Handler = Rule(
        RuleIds.Handler, Processor, "The signatures of handlers and states can be bound");

    public static readonly DiagnosticDescriptor HandlerSet = Rule(
        RuleIds.HandlerSet, Processor, "A processor's handlers and states do not conflict");

    public static readonly DiagnosticDescriptor Route = Rule(RuleIds.Route, Processor, "A route can be reached and leads to one method");

    public static readonly DiagnosticDescriptor Json = Rule(RuleIds.Json, Processor, "A JSON payload is known to the JSON context");

    public static readonly DiagnosticDescriptor ErrorRules = Rule(
        RuleIds.ErrorRules, Processor, "The rules of an error policy can be reached and do not conflict");

    public static readonly DiagnosticDescriptor IdleAttribute = Rule(
        RuleIds.IdleAttribute, Processor, "An attribute has an effect where it stands", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor UnhandledException = Rule(
        RuleNumbers.UnhandledException, LostRecords, "A policy says what becomes of an exception", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor SwallowedException = Rule(
        RuleNumbers.SwallowedException, LostRecords, "A failed record does not count as done", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor OutlivingWork = Rule(
        RuleNumbers.OutlivingWork, LostRecords, "A handler's work ends before the handler does", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor HiddenCancellation = Rule(
        RuleNumbers.HiddenCancellation, LostRecords, "Cancellation and a lost lease pass through", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor EscapingMemory = Rule(
        RuleNumbers.EscapingMemory, LostRecords, "Borrowed memory stays inside the handler's call");

    public static readonly DiagnosticDescriptor BufferedRecord = Rule(
        RuleNumbers.BufferedRecord, LostRecords, "A record that is only buffered does not count as done", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor UnreadAnswer = Rule(
        RuleNumbers.UnreadAnswer, LostRecords, "An answer that may say no is looked at", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor DroppedFailure = Rule(
        RuleNumbers.DroppedFailure, LostRecords, "A failure that is a value is looked at", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor BlockingCall = Rule(
        RuleNumbers.BlockingCall, LateRecords, "A handler does not block its thread", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor TokenNotPassed = Rule(
        RuleNumbers.TokenNotPassed, LateRecords, "The cancellation token is passed on", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor SharedState = Rule(
        RuleNumbers.SharedState, LateRecords, "State that handlers share is safe in parallel", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor AvoidableAllocation = Rule(
        RuleNumbers.AvoidableAllocation, LateRecords, "A copy per record is needed", DiagnosticSeverity.Info);

    public static readonly DiagnosticDescriptor Value = Rule(RuleIds.Value, Settings, "A value of a setting is well-formed and in range");

    public static readonly DiagnosticDescriptor ShortLease = Rule(
        RuleNumbers.ShortLease, Settings, "A lease outlives the handler's own time-outs", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor EndlessRetry = Rule(
        RuleNumbers.EndlessRetry, Settings, "What can never succeed is not retried for ever", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor SlowReading = Rule(
        RuleNumbers.SlowReading, Settings, "A setting does not hold reading back", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor PlainField = Rule(
        RuleNumbers.PlainField, State, "What handlers accumulate is part of the state", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor MutableState = Rule(
        RuleNumbers.MutableState, State, "A value of a state or an output does not change in place", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor StateJson = Rule(
        RuleIds.StateJson, State, "A state's type is known to the JSON context");

    public static readonly DiagnosticDescriptor StateOrder = Rule(
        RuleNumbers.StateOrder, State, "Records of one key change its state in order", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor StateWithoutContext = Rule(
        RuleNumbers.StateWithoutContext, State, "State is read and written for a record", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor EscapingState = Rule(
        RuleNumbers.EscapingState, State, "A record's state stays inside the handler's call", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor StateShape = Rule(
        RuleNumbers.StateShape, State, "A state's shape changes together with its version", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor StateSetting = Rule(
        RuleNumbers.StateSetting, State, "Settings of a state have an effect", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor UnsteadyOutput = Rule(
        RuleNumbers.UnsteadyOutput, State, "An output is the same each time its record is handled", DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor OutsideEffect = Rule(
        RuleNumbers.OutsideEffect, State, "An effect outside of the state may happen twice", DiagnosticSeverity.Info);

    private static DiagnosticDescriptor Rule(
        string id, string category, string title, DiagnosticSeverity severity = DiagnosticSeverity.Error) => new(
            id,
            title,
            messageFormat: "{0}",
            category,
            severity,
            isEnabledByDefault: true,
            helpLinkUri: $"https://github.com/fastconsumer/fastconsumer/blob/main/docs/rules/{id}.md");
}
