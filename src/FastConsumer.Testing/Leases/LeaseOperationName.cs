using FastConsumer.Leases;

namespace FastConsumer.Testing.Leases;

/// <summary>What a write of a row is to the worker that sends it, told by the attributes it writes.</summary>
internal static class LeaseOperationName
{
    public const string Take = "take";
    public const string Release = "release";
    public const string Update = "update";
    public const string Request = "request";
    public const string Ring = "ring";
    public const string Children = "children";
    public const string Lineage = "lineage";

    public static string Of(LeaseWrite write) =>
        write.Set.ContainsKey(Lease.Names.Session) ? Take
        : Changes(write, Lease.Names.LeaseOwner) || Changes(write, Lease.Names.CheckpointOwner) ? Release
        : write.Set.ContainsKey(Lease.Names.LeaseCounter) ? Update
        : Changes(write, Lease.Names.RequestedBy) ? Request
        : Changes(write, Lease.Names.Notification) ? Ring
        : Changes(write, Lease.Names.ChildShardIds) ? Children
        : Changes(write, Lease.Names.Lineage) ? Lineage
        : "write";

    private static bool Changes(LeaseWrite write, string name) => write.Set.ContainsKey(name) || write.Remove.Contains(name);
}
