using System.Text.Json.Nodes;

namespace FastConsumer.Shared.ThrottlingDynamoDb;

/// <summary>A BatchExecuteStatement of which a part is let through: the rest is answered as DynamoDB answers what it throttles.</summary>
internal sealed class StatementBatch
{
    private readonly JsonObject _request;
    private readonly bool[] _admitted;

    /// <param name="body">The request's body.</param>
    /// <param name="admit">Asked once per write, in order.</param>
    public StatementBatch(byte[] body, Func<bool> admit)
    {
        _request = JsonNode.Parse(body)!.AsObject();
        JsonArray statements = _request["Statements"]!.AsArray();
        _admitted = [.. statements.Select(statement => IsRead(statement!) || admit())];
        Writes = statements.Where((statement, i) => _admitted[i] && !IsRead(statement!)).Count();
    }

    /// <summary>Writes let through.</summary>
    public int Writes { get; }

    /// <summary>Writes not let through.</summary>
    public int Throttled => _admitted.Count(static admitted => !admitted);

    public bool IsWhole => Throttled == 0;

    public bool IsEmpty => Throttled == _admitted.Length;

    /// <summary>The request with the statements let through.</summary>
    public byte[] Rest()
    {
        var rest = (JsonObject)_request.DeepClone();
        JsonArray statements = rest["Statements"]!.AsArray();
        for (int i = statements.Count - 1; i >= 0; i--)
        {
            if (!_admitted[i])
            {
                statements.RemoveAt(i);
            }
        }

        return System.Text.Encoding.UTF8.GetBytes(rest.ToJsonString());
    }

    /// <summary>The answer to the whole request.</summary>
    /// <param name="rest">The answer to what was let through; null where nothing was.</param>
    /// <param name="code">The error code of the others.</param>
    public string Answer(byte[]? rest, string code)
    {
        JsonObject answer = rest is null ? [] : JsonNode.Parse(rest)!.AsObject();
        var given = new Queue<JsonNode?>(answer["Responses"]?.AsArray() ?? []);
        var all = new JsonArray();
        foreach (bool admitted in _admitted)
        {
            all.Add(admitted
                ? given.Dequeue()?.DeepClone()
                : new JsonObject
                {
                    ["Error"] = new JsonObject
                    {
                        ["Code"] = code,
                        ["Message"] = "The level of configured provisioned throughput for the table was exceeded.",
                    },
                });
        }

        answer["Responses"] = all;
        return answer.ToJsonString();
    }

    private static bool IsRead(JsonNode statement) =>
        statement["Statement"]!.GetValue<string>().TrimStart().StartsWith("SELECT", StringComparison.OrdinalIgnoreCase);
}
