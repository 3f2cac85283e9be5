using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>What the locals and parameters of one body are given, and which of that reaches a use.</summary>
internal sealed class Definitions
{
    private const int MostPasses = 6;

    private readonly Dictionary<ISymbol, List<Definition>> _bySymbol = new(SymbolEqualityComparer.Default);

    /// <param name="symbol">The local or parameter.</param>
    /// <param name="at">Where it is given something; null for a parameter, at the start.</param>
    /// <param name="isBorrowed">Whether that is borrowed; asked again while other answers change.</param>
    /// <param name="isStrong">True where it takes the place of all before; false where it is put into what is there.</param>
    public void Add(ISymbol symbol, IOperation? at, Func<bool> isBorrowed, bool isStrong)
    {
        if (!_bySymbol.TryGetValue(symbol, out List<Definition>? all))
        {
            _bySymbol[symbol] = all = [];
        }

        all.Add(new Definition(at, isBorrowed, isStrong));
    }

    /// <summary>Asks all definitions until nothing changes.</summary>
    public void Settle()
    {
        bool changed = true;
        for (int pass = 0; pass < MostPasses && changed; pass++)
        {
            changed = false;
            foreach (Definition definition in _bySymbol.Values.SelectMany(all => all))
            {
                if (!definition.IsBorrowed && definition.Ask())
                {
                    definition.IsBorrowed = changed = true;
                }
            }
        }
    }

    public bool IsBorrowed(ISymbol symbol, IOperation use) => _bySymbol.TryGetValue(symbol, out List<Definition>? all)
        && all.Exists(definition => definition.IsBorrowed) && Reach(all, use).Any(definition => definition.IsBorrowed);

    /// <summary>
    /// The definitions that reach a use: the last one that certainly ran before it, and those between, or after it in a loop.
    /// </summary>
    private static IEnumerable<Definition> Reach(List<Definition> all, IOperation use)
    {
        int start = use.Syntax.SpanStart;
        Definition? last = null;
        foreach (Definition definition in all)
        {
            if (definition.IsStrong && definition.End <= start && definition.End > (last?.End ?? -2) && definition.RunsBefore(use))
            {
                last = definition;
            }
        }

        if (last is null)
        {
            return all;
        }

        return all.Where(definition =>
            definition == last
            || (definition.End > last.End && definition.Start < start)
            || IsInLoopOf(definition, last, use));
    }

    private static bool IsInLoopOf(Definition definition, Definition last, IOperation use)
    {
        for (IOperation? parent = use.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent is ILoopOperation && definition.IsIn(parent) && !last.IsIn(parent))
            {
                return true;
            }
        }

        return false;
    }

    private sealed class Definition(IOperation? at, Func<bool> ask, bool isStrong)
    {
        private readonly IOperation? _block = Block(at);
        private readonly ISymbol? _function = at?.EnclosingFunction();

        public bool IsStrong { get; } = isStrong;

        public bool IsBorrowed { get; set; }

        public int Start { get; } = at?.Syntax.SpanStart ?? -1;

        public int End { get; } = at?.Syntax.Span.End ?? -1;

        public bool Ask() => ask();

        public bool IsIn(IOperation loop) => at is not null && loop.Syntax.Span.Contains(at.Syntax.Span);

        /// <summary>True where the use stands in the same block, or in one inside it, of the same function.</summary>
        public bool RunsBefore(IOperation use)
        {
            if (at is null)
            {
                return true;
            }

            if (!SymbolEqualityComparer.Default.Equals(use.EnclosingFunction(), _function))
            {
                return false;
            }

            for (IOperation? parent = use.Parent; parent is not null; parent = parent.Parent)
            {
                if (parent == _block)
                {
                    return true;
                }
            }

            return false;
        }

        private static IOperation? Block(IOperation? operation)
        {
            IOperation? parent = operation?.Parent;
            // what stands in a condition may not have run
            while (parent is not null and not IBlockOperation and not ISwitchCaseOperation and not IConditionalOperation
                and not IAnonymousFunctionOperation and not IForEachLoopOperation)
            {
                parent = parent.Parent;
            }

            return parent;
        }
    }
}
