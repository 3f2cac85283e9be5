using System.Text.Json;

namespace FastConsumer.Testing.Engine;

/// <summary>Policies are kept and shown; nothing is allowed or denied by them.</summary>
internal sealed partial class KinesisEngine
{
    public void PutResourcePolicy(string? resourceArn, string? policy)
    {
        RequestRules.Length(policy, "policy", 0, int.MaxValue);
        using StreamScope scope = EnterResource(resourceArn, out ResourceAttachments attached);
        RequireUsable(scope.Stream);
        RequireJsonObject(policy);
        attached.Policy = policy;
    }

    public string GetResourcePolicy(string? resourceArn)
    {
        using StreamScope scope = EnterResource(resourceArn, out ResourceAttachments attached);
        return attached.Policy ?? throw NoPolicy(resourceArn);
    }

    public void DeleteResourcePolicy(string? resourceArn)
    {
        using StreamScope scope = EnterResource(resourceArn, out ResourceAttachments attached);
        RequireUsable(scope.Stream);
        if (attached.Policy is null)
        {
            throw NoPolicy(resourceArn);
        }

        attached.Policy = null;
    }

    private static void RequireJsonObject(string policy)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(policy);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw EngineException.InvalidArgument($"The policy is a JSON {document.RootElement.ValueKind}: an object is expected.");
            }
        }
        catch (JsonException exception)
        {
            throw EngineException.InvalidArgument($"The policy is not valid JSON: {exception.Message}");
        }
    }

    private static EngineException NoPolicy(string? resourceArn) => EngineException.NotFound($"No policy is attached to {resourceArn}.");
}
