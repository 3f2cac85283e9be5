using FastConsumer.SourceGenerator.Model;

namespace FastConsumer.SourceGenerator.Emitting;

/// <summary>Writes the loop over records, the choice of a route, and a method for each handler.</summary>
internal sealed class RecordEmitter
{
    private const string Cursor = "global::FastConsumer.Processors.RecordCursor cursor";
    private const string Token = "global::System.Threading.CancellationToken cancellationToken";
    private const string ValueTask = "global::System.Threading.Tasks.ValueTask";

    private readonly SourceWriter _writer;
    private readonly PipelineModel _pipeline;
    private readonly CallEmitter _calls;
    private readonly bool _isSynchronous;
    private readonly List<(HandlerModel Handler, string Name)> _handlers = [];
    private readonly FreeNames _names = new();

    public RecordEmitter(SourceWriter writer, PipelineModel pipeline, CallEmitter calls)
    {
        _writer = writer;
        _pipeline = pipeline;
        _calls = calls;
        _isSynchronous = pipeline.Handlers.All(handler => handler.Method.Returns == ReturnKind.Void && !handler.IsWrapped);
        foreach (HandlerModel handler in pipeline.Handlers)
        {
            _handlers.Add((handler, _names.Take("Call" + handler.Method.Name.TrimStart('@'))));
        }
    }

    public void Emit()
    {
        EmitLoop();
        if (_pipeline.RouteProperty is { } property)
        {
            EmitRoutes(property);
        }

        for (int i = 0; i < _handlers.Count; i++)
        {
            EmitHandler(_handlers[i].Handler, _handlers[i].Name, i);
        }
    }

    /// <summary>What handles a record: the choice of a route, or else the only handler.</summary>
    private string Entrance => _pipeline.RouteProperty is null ? _handlers[0].Name : "ChooseRoute";

    /// <summary>What marks a handled record done, together with its effects where the class has state.</summary>
    private string Completion => _pipeline.HasEffects ? "_state.Complete(cursor);" : "cursor.Complete();";

    private string ResultType => _isSynchronous ? "void" : ValueTask;

    private void EmitLoop()
    {
        _writer.Line();
        _writer.Line("/// <inheritdoc/>");
        _writer.Open($"public override {ValueTask} RunAsync({Cursor}, {Token})");
        _writer.Open("while (cursor.MoveNext())");
        EmitFilter();
        if (_isSynchronous)
        {
            _writer.Line($"{Entrance}(cursor, cancellationToken);");
        }
        else
        {
            _writer.Line($"{ValueTask} pending = {Entrance}(cursor, cancellationToken);");
            _writer.Open("if (!pending.IsCompletedSuccessfully)");
            _writer.Line("return ContinueAsync(pending, cursor, cancellationToken);");
            _writer.Close();
            _writer.Line();
            _writer.Line("pending.GetAwaiter().GetResult();");
        }

        _writer.Line(Completion);
        _writer.Close();
        _writer.Line();
        _writer.Line("return default;");
        _writer.Close();
        if (_isSynchronous)
        {
            return;
        }

        _writer.Line();
        _writer.Line("/// <summary>Goes on from the first handler that did not return at once.</summary>");
        _writer.Open($"private async {ValueTask} ContinueAsync({ValueTask} pending, {Cursor}, {Token})");
        _writer.Line("await pending;");
        _writer.Line(Completion);
        _writer.Open("while (cursor.MoveNext())");
        EmitFilter();
        _writer.Line($"await {Entrance}(cursor, cancellationToken);");
        _writer.Line(Completion);
        _writer.Close();
        _writer.Close();
    }

    private void EmitFilter()
    {
        if (_pipeline.Filter is not { } filter)
        {
            return;
        }

        if (_pipeline.ChoosesErrorRules)
        {
            _writer.Line("cursor.ChooseHandler(-1);");
        }

        _writer.Open($"if (!{_calls.Filter(filter)})");
        _writer.Line("cursor.CountFiltered();");
        _writer.Line("cursor.Complete();");
        _writer.Line("continue;");
        _writer.Close();
        _writer.Line();
    }

    private void EmitRoutes(string property)
    {
        _writer.Line();
        _writer.Line("/// <summary>Chooses a handler by one JSON property, without parsing the rest.</summary>");
        _writer.Open($"private {ResultType} ChooseRoute({Cursor}, {Token})");
        if (_pipeline.ChoosesErrorRules)
        {
            _writer.Line("cursor.ChooseHandler(-1);");
        }

        _writer.Open($"if (global::FastConsumer.Processors.PayloadReader.FindRoute(cursor.DataSpan, {Literals.Utf8(property)}, "
            + "out global::FastConsumer.Processors.RouteText route))");
        bool first = true;
        foreach ((HandlerModel handler, string name) in _handlers.Where(candidate => candidate.Handler.Route is not null))
        {
            if (!first)
            {
                _writer.Line();
            }

            first = false;
            _writer.Open($"if (route.Is({Literals.Utf8(handler.Route!)}))");
            EmitDelegation(name);
            _writer.Close();
        }

        _writer.Close();
        _writer.Line();
        string? rest = _handlers.Where(candidate => candidate.Handler.Route is null).Select(candidate => candidate.Name).FirstOrDefault();
        if (rest is not null)
        {
            _writer.Line(_isSynchronous ? $"{rest}(cursor, cancellationToken);" : $"return {rest}(cursor, cancellationToken);");
            _writer.Close();
            return;
        }

        _writer.Line("throw Unmatched(cursor);");
        _writer.Close();
        _writer.Line();
        _writer.Line("/// <summary>The failure of a record without a handler; its payload stays out of the message.</summary>");
        _writer.Line($"private static global::FastConsumer.UnmatchedRouteException Unmatched({Cursor}) => new(");
        _writer.Line($"    $\"A record of stream '{{cursor.Context.StreamName}}' has no handler: \" +");
        string problem = $"the text of its JSON property '{property}' is no [OnRecord(Route = ...)] of {_pipeline.ProcessorName}. "
            + "Add the route, or an [OnRecord] method without one.";
        _writer.Line($"    {Literals.Text(problem)});");
    }

    private void EmitDelegation(string name)
    {
        if (_isSynchronous)
        {
            _writer.Line($"{name}(cursor, cancellationToken);");
            _writer.Line("return;");
        }
        else
        {
            _writer.Line($"return {name}(cursor, cancellationToken);");
        }
    }

    private void EmitHandler(HandlerModel handler, string name, int number)
    {
        _writer.Line();
        _writer.Open($"private {ResultType} {name}({Cursor}, {Token})");
        if (_pipeline.ChoosesErrorRules)
        {
            _writer.Line($"cursor.ChooseHandler({Literals.Number(number)});");
        }

        bool readsLate = handler.IsWrapped && handler.Payload.Kind == PayloadKind.Span;
        if (!readsLate)
        {
            _writer.Line($"{handler.Payload.Type} payload = {_calls.Read(handler.Payload)};");
        }

        if (handler.Filter is { } filter)
        {
            _writer.Open($"if (!{_calls.Filter(filter, "payload")})");
            _writer.Line("cursor.CountFiltered();");
            if (_pipeline.HasEffects)
            {
                _writer.Line("// what a failed record before it has left is not completed with it");
                _writer.Line("_state.Begin(cursor);");
            }

            _writer.Line(_isSynchronous ? "return;" : "return default;");
            _writer.Close();
            _writer.Line();
        }

        _writer.Line("cursor.EnterHandler();");
        if (_pipeline.HasEffects)
        {
            _writer.Line("_state.Begin(cursor);");
        }

        string wrapped = "";
        if (handler.IsWrapped)
        {
            string start = name.EndsWith("Async", StringComparison.Ordinal) ? name.Substring(0, name.Length - "Async".Length) : name;
            wrapped = _names.Take(start + (handler.HasServices ? "InScopeAsync"
                : handler.TransactionType is not null ? "InTransactionAsync"
                : "InTimeAsync"));
            _writer.Line($"return {wrapped}(cursor, {(readsLate ? "" : "payload, ")}cancellationToken);");
        }
        else
        {
            string call = _calls.Call(handler.Method, handler.Arguments, "payload", "cursor.Context");
            if (_isSynchronous)
            {
                _writer.Line($"{call};");
            }
            else
            {
                _calls.Return(handler.Method, call);
            }
        }

        _writer.Close();
        if (handler.IsWrapped)
        {
            EmitWrapped(handler, wrapped, readsLate);
        }
    }

    private void EmitWrapped(HandlerModel handler, string name, bool readsLate)
    {
        // a span cannot be a parameter of an async method, so it is taken from the cursor at the call
        string payload = readsLate ? _calls.Read(handler.Payload) : "payload";
        bool returnsAtOnce = !handler.HasServices && handler.TransactionType is null && handler.Method.Returns == ReturnKind.Void;
        _writer.Line();
        _writer.Open($"private {(returnsAtOnce ? "" : "async ")}{ValueTask} {name}({Cursor}, "
            + $"{(readsLate ? "" : $"{handler.Payload.Type} payload, ")}{Token})");
        if (handler.Timeout is { } timeout)
        {
            _writer.Line($"using global::FastConsumer.Processors.CallTimeout timeout = cursor.StartTimeout({Literals.Duration(timeout)}, "
                + $"cancellationToken); // {Literals.DurationComment(timeout)}");
            _writer.Open("try");
        }

        string token = handler.Timeout is null ? "cancellationToken" : "timeout.Token";
        string call = _calls.Call(handler.Method, handler.Arguments, payload, "cursor.Context", token);
        TransactionCall? transaction = handler.TransactionType is null ? null : new TransactionCall("cursor", token);
        if (handler.HasServices)
        {
            _calls.InScope(handler.Method, handler.Arguments, call, transaction);
        }
        else
        {
            _calls.Await(handler.Method, call, transaction);
            if (returnsAtOnce)
            {
                _writer.Line("return default;");
            }
        }

        if (handler.Timeout is not null)
        {
            _writer.Close();
            _writer.Open("catch (global::System.OperationCanceledException exception) when (timeout.IsOver)");
            _writer.Line("throw timeout.Exceeded(exception);");
            _writer.Close();
        }

        _writer.Close();
    }
}
