using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.FlowAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>
/// The ways from a place in a function to its normal end. Exceptions end no way: who throws says that the record is not done.
/// </summary>
internal static class WayOut
{
    /// <summary>
    /// True where a way from <paramref name="start"/> to the normal end of its function passes nothing that <paramref name="ends"/>
    /// takes. It is asked about copies of the operations, whose syntax is that of the originals.
    /// </summary>
    public static bool Misses(IOperation start, ReachedBody method, Func<IOperation, bool> ends, CancellationToken cancellationToken) =>
        Graph(start, method.Body, cancellationToken) is { } graph
        && Find(graph, start) is { } place
        && Leads(graph, place.Block, place.Index + 1, ends, []);

    /// <summary>True where a way through the whole method passes nothing that <paramref name="ends"/> takes.</summary>
    public static bool MissesFromStart(ReachedBody method, Func<IOperation, bool> ends, CancellationToken cancellationToken) =>
        Create(method.Body, cancellationToken) is { } graph && Leads(graph, graph.Blocks[0], 0, ends, []);

    private static ControlFlowGraph? Create(IOperation body, CancellationToken cancellationToken) => body switch
    {
        IMethodBodyOperation { Parent: null } method => ControlFlowGraph.Create(method, cancellationToken),
        IConstructorBodyOperation { Parent: null } constructor => ControlFlowGraph.Create(constructor, cancellationToken),
        IBlockOperation { Parent: null } block => ControlFlowGraph.Create(block, cancellationToken),
        _ => null,
    };

    /// <summary>The graph of the innermost function around a place.</summary>
    private static ControlFlowGraph? Graph(IOperation start, IOperation body, CancellationToken cancellationToken)
    {
        var functions = new Stack<IOperation>();
        for (IOperation? parent = start.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent is IAnonymousFunctionOperation or ILocalFunctionOperation)
            {
                functions.Push(parent);
            }
        }

        ControlFlowGraph? graph = Create(body, cancellationToken);
        while (graph is not null && functions.Count > 0)
        {
            IOperation function = functions.Pop();
            graph = function is ILocalFunctionOperation local
                ? (graph.LocalFunctions.Contains(local.Symbol, SymbolEqualityComparer.Default)
                    ? graph.GetLocalFunctionControlFlowGraph(local.Symbol, cancellationToken)
                    : null)
                : graph.Blocks.SelectMany(Operations).SelectMany(operation => operation.DescendantsAndSelf())
                    .OfType<IFlowAnonymousFunctionOperation>()
                    .FirstOrDefault(lambda => lambda.Syntax == function.Syntax) is { } flow
                    ? graph.GetAnonymousFunctionControlFlowGraph(flow, cancellationToken)
                    : null;
        }

        return graph;
    }

    private static (BasicBlock Block, int Index)? Find(ControlFlowGraph graph, IOperation start)
    {
        foreach (BasicBlock block in graph.Blocks)
        {
            int index = 0;
            foreach (IOperation operation in Operations(block))
            {
                if (operation.DescendantsAndSelf().Any(inner => inner.Syntax == start.Syntax && inner.Kind == start.Kind))
                {
                    return (block, index);
                }

                index++;
            }
        }

        return null;
    }

    private static IEnumerable<IOperation> Operations(BasicBlock block) =>
        block.BranchValue is { } value ? block.Operations.Append(value) : block.Operations;

    private static bool Leads(ControlFlowGraph graph, BasicBlock block, int from, Func<IOperation, bool> ends, HashSet<BasicBlock> seen)
    {
        var left = new Stack<(BasicBlock Block, int From)>();
        left.Push((block, from));
        while (left.Count > 0)
        {
            (BasicBlock current, int skipped) = left.Pop();
            if (current.Kind == BasicBlockKind.Exit)
            {
                return true;
            }

            if (Operations(current).Skip(skipped).Any(operation => operation.DescendantsAndSelf().Any(ends)))
            {
                continue;
            }

            foreach (ControlFlowBranch? branch in new[] { current.FallThroughSuccessor, current.ConditionalSuccessor })
            {
                if (branch is { Destination: { } next, Semantics: ControlFlowBranchSemantics.Regular or ControlFlowBranchSemantics.Return }
                    && !branch.FinallyRegions.Any(region => Passes(graph, region, ends))
                    && seen.Add(next))
                {
                    left.Push((next, 0));
                }
            }
        }

        return false;
    }

    private static bool Passes(ControlFlowGraph graph, ControlFlowRegion region, Func<IOperation, bool> ends) =>
        graph.Blocks.Skip(region.FirstBlockOrdinal).Take(region.LastBlockOrdinal - region.FirstBlockOrdinal + 1)
            .SelectMany(Operations).Any(operation => operation.DescendantsAndSelf().Any(ends));
}
