using FastConsumer.SourceGenerator.Model;

namespace FastConsumer.SourceGenerator.Emitting;

/// <summary>Writes the error policy: a rule object for each attribute, and the type tests that choose among them.</summary>
internal sealed class ErrorRuleEmitter(SourceWriter writer, PipelineModel pipeline)
{
    private const string Rule = "global::FastConsumer.Processors.ErrorRule";
    private const string Action = "global::FastConsumer.ErrorAction";

    private readonly Dictionary<ErrorRuleModel, string> _names = [];

    private IEnumerable<ErrorRuleModel> Rules => pipeline.Handlers.SelectMany(handler => handler.ErrorRules).Concat(pipeline.ErrorRules);

    public void EmitFields()
    {
        foreach (ErrorRuleModel rule in Rules)
        {
            if (_names.ContainsKey(rule))
            {
                continue;
            }

            string name = "s_errorRule" + Literals.Number(_names.Count + 1);
            _names.Add(rule, name);
            string values = string.Join(", ", Values(rule));
            writer.Line(
                $"private static readonly {Rule} {name} = new({Action}.{rule.Action}){(values.Length == 0 ? "" : $" {{ {values} }}")};");
        }
    }

    public void EmitChoice()
    {
        if (!Rules.Any())
        {
            return;
        }

        writer.Line();
        writer.Line("/// <inheritdoc/>");
        writer.Open($"public override {Rule}? RuleFor(global::System.Exception exception, int handler)");
        IEnumerable<ErrorRuleModel> common = pipeline.ErrorRules;
        if (!pipeline.ChoosesErrorRules)
        {
            common = pipeline.Handlers[0].ErrorRules.Concat(common);
        }
        else
        {
            for (int i = 0; i < pipeline.Handlers.Count; i++)
            {
                if (pipeline.Handlers[i].ErrorRules.Count > 0)
                {
                    writer.Open($"if (handler == {Literals.Number(i)})");
                    EmitTests(pipeline.Handlers[i].ErrorRules);
                    writer.Close();
                    writer.Line();
                }
            }
        }

        if (EmitTests(common))
        {
            if (common.Any())
            {
                writer.Line();
            }

            writer.Line("return null;");
        }

        writer.Close();
    }

    /// <summary>False where the last rule takes everything.</summary>
    private bool EmitTests(IEnumerable<ErrorRuleModel> rules)
    {
        bool first = true;
        foreach (ErrorRuleModel rule in rules)
        {
            if (!first)
            {
                writer.Line();
            }

            first = false;
            if (rule.TakesAll)
            {
                writer.Line($"return {_names[rule]};");
                return false;
            }

            writer.Open($"if (exception is {rule.ExceptionType})");
            writer.Line($"return {_names[rule]};");
            writer.Close();
        }

        return true;
    }

    private static IEnumerable<string> Values(ErrorRuleModel rule)
    {
        if (rule.MaxAttempts > 0)
        {
            yield return $"MaxAttempts = {Literals.Number(rule.MaxAttempts)}";
            yield return $"Then = {Action}.{rule.Then}";
        }

        if (rule.InitialBackoff is { } initial)
        {
            yield return $"InitialBackoff = {Literals.Duration(initial)}";
        }

        if (rule.MaxBackoff is { } maximum)
        {
            yield return $"MaxBackoff = {Literals.Duration(maximum)}";
        }
    }
}
