using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>
/// Values that are made of the record at hand, or of the batch: through locals, loops, lambdas and methods of this compilation.
/// </summary>
internal sealed class MadeOfRecord
{
    private readonly HashSet<ISymbol> _symbols = new(SymbolEqualityComparer.Default);

    private MadeOfRecord()
    {
    }

    public static MadeOfRecord In(ProcessorCode code, CancellationToken cancellationToken)
    {
        var made = new MadeOfRecord();
        foreach (ReachedMethod handler in code.Handlers)
        {
            made._symbols.UnionWith(handler.Method.Parameters.Where(parameter => parameter.FindAttribute("FromServicesAttribute") is null
                && !parameter.Type.IsCancellationToken()
                && !(parameter.Type.Name is "RecordContext" or "BatchContext" && parameter.Type.IsContract(parameter.Type.Name))));
        }

        int known = -1;
        while (known != made._symbols.Count)
        {
            cancellationToken.ThrowIfCancellationRequested();
            known = made._symbols.Count;
            foreach (ReachedMethod method in code.FromRecords)
            {
                foreach (IOperation operation in method.Operations)
                {
                    made.Spread(operation, code, cancellationToken);
                }
            }
        }

        return made;
    }

    /// <summary>True where something of the record is in the value.</summary>
    public bool Holds(IOperation? value) => value is not null && value.DescendantsAndSelf().Any(operation => operation switch
    {
        ILocalReferenceOperation local => _symbols.Contains(local.Local),
        IParameterReferenceOperation parameter => _symbols.Contains(parameter.Parameter),
        _ => false,
    });

    private void Spread(IOperation operation, ProcessorCode code, CancellationToken cancellationToken)
    {
        switch (operation)
        {
            case IVariableDeclaratorOperation declarator when Holds(declarator.GetVariableInitializer()):
                _symbols.Add(declarator.Symbol);
                break;
            case IDeconstructionAssignmentOperation deconstruction when Holds(deconstruction.Value):
                _symbols.UnionWith(
                    deconstruction.Target.DescendantsAndSelf().OfType<ILocalReferenceOperation>().Select(local => local.Local));
                break;
            case IAssignmentOperation { Target: ILocalReferenceOperation local } assignment when Holds(assignment.Value):
                _symbols.Add(local.Local);
                break;
            case IForEachLoopOperation loop when Holds(loop.Collection):
                _symbols.UnionWith(loop.Locals);
                break;
            case IIsPatternOperation test when Holds(test.Value):
                _symbols.UnionWith(test.Pattern.DescendantsAndSelf().OfType<IDeclarationPatternOperation>()
                    .Select(pattern => pattern.DeclaredSymbol).OfType<ISymbol>());
                break;
            case IInvocationOperation call:
                SpreadCall(call, code, cancellationToken);
                break;
        }
    }

    private void SpreadCall(IInvocationOperation call, ProcessorCode code, CancellationToken cancellationToken)
    {
        IArgumentOperation[] given = [.. call.Arguments.Where(argument => Holds(argument.Value))];
        bool isOfRecord = given.Length > 0 || Holds(call.Instance);
        if (!isOfRecord)
        {
            return;
        }

        if (code.Target(call, cancellationToken) is { } target)
        {
            foreach (IArgumentOperation argument in given)
            {
                int ordinal = (argument.Parameter?.Ordinal ?? 0) + (call.TargetMethod.ReducedFrom is null ? 0 : 1);
                if (ordinal < target.Method.Parameters.Length && argument.Value.Unwrapped() is not IDelegateCreationOperation)
                {
                    _symbols.Add(target.Method.Parameters[ordinal]);
                }
            }
        }

        foreach (IArgumentOperation argument in call.Arguments)
        {
            switch (argument.Value.Unwrapped())
            {
                // items.ForEach(item => ...)
                case IDelegateCreationOperation { Target: IAnonymousFunctionOperation lambda } when given.Any(other => other != argument)
                    || Holds(call.Instance):
                    _symbols.UnionWith(lambda.Symbol.Parameters.Where(parameter => !parameter.Type.IsCancellationToken()));
                    break;
                case IDeclarationExpressionOperation { Expression: ILocalReferenceOperation local }
                    when argument.Parameter?.RefKind == RefKind.Out:
                    _symbols.Add(local.Local);
                    break;
            }
        }

        // a local collection
        if (call.Instance.Root() is ILocalReferenceOperation holder && given.Length > 0 && CaughtNote.Collects(call))
        {
            _symbols.Add(holder.Local);
        }
    }
}
