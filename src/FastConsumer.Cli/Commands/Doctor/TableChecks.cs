using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;
using FastConsumer.Monitoring;

namespace FastConsumer.Cli.Commands.Doctor;

/// <summary>What the lease table answers, and whether a fleet of KCL 3.x runs on it.</summary>
internal sealed class TableChecks(ToolContext context, CheckList checks)
{
    private const string Denied = "FCF5004";

    /// <summary>A key that no shard has.</summary>
    private const string NoShard = "fastconsumer-doctor";

    private readonly string _name = context.Fleet.TableName;
    private string _arn = $"arn:aws:dynamodb:REGION:ACCOUNT:table/{context.Fleet.TableName}";

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        TableDescription? table = null;
        if (!await TryAsync("table", "dynamodb:DescribeTable", async () =>
        {
            table = await DescribeAsync(cancellationToken);
            _arn = table.TableArn ?? _arn;
            string capacity = table.BillingModeSummary?.BillingMode?.Value == "PAY_PER_REQUEST"
                ? "on demand"
                : $"{table.ProvisionedThroughput?.WriteCapacityUnits} write and {table.ProvisionedThroughput?.ReadCapacityUnits} read "
                    + "units";
            string indexes = table.GlobalSecondaryIndexes is { Count: > 0 } found
                ? $"indexes: {string.Join(", ", found.Select(static index => index.IndexName))} (each makes writes dearer; no worker "
                    + "needs one)"
                : "no index";
            return $"{_name} at {context.Fleet.Connection.Endpoint} is {table.TableStatus}, {capacity}, {indexes}.";
        }, cancellationToken))
        {
            checks.Add(
                "create table",
                CheckList.NotTried,
                $"A worker creates the table unless TableMode is Require. The statement: "
                    + $"{{\"Effect\":\"Allow\",\"Action\":\"dynamodb:CreateTable\",\"Resource\":\"{_arn}\"}}");
            return;
        }

        bool isLeaseTable = table!.KeySchema is [{ AttributeName: Lease.Names.LeaseKey, KeyType.Value: "HASH" }];
        if (!isLeaseTable)
        {
            checks.Add(
                "layout",
                CheckList.Failed,
                $"The key of {_name} is {string.Join(", ", table.KeySchema!.Select(static key => key.AttributeName))}, and not "
                    + "leaseKey: it "
                    + "is no lease table.",
                Denied,
                "Name the lease table with --table.");
            return;
        }

        IReadOnlyList<Lease> rows = [];
        if (await TryAsync("list leases", "dynamodb:Scan", async () =>
        {
            rows = await context.Fleet.ListRowsAsync(cancellationToken);
            return $"{rows.Count} leases, {rows.Count(static row => row.Problem is not null)} of them not readable.";
        }, cancellationToken))
        {
            Rows(rows);
        }

        await WritesAsync(rows, cancellationToken);
        await KclAsync(cancellationToken);
    }

    private Task<bool> TryAsync(string check, string action, Func<Task<string>> call, CancellationToken cancellationToken) =>
        checks.TryAsync(check, Denied, action, _arn, call, cancellationToken);

    private async Task<TableDescription> DescribeAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await context.Fleet.Connection.Reads.DescribeTableAsync(_name, cancellationToken)).Table;
        }
        catch (ResourceNotFoundException e)
        {
            throw new LeaseStoreException(
                $"There is no table {_name} at {context.Fleet.Connection.Endpoint}, in the account of the credentials. A worker makes "
                    + "it at "
                    + "its first start. Where there is one, check --application, --table and --region.",
                isTransient: false,
                e);
        }
    }

    private void Rows(IReadOnlyList<Lease> rows)
    {
        foreach (Lease row in rows.Where(static row => row.Problem is not null))
        {
            checks.Add("row", CheckList.Failed, row.Problem!, "FCF4011");
        }

        FleetView view = FleetView.Of(rows, null, context.Time.GetUtcNow());
        int free = view.Shards.Count(static shard => shard.Status == FleetShardStatus.Free);
        int waiting = view.Shards.Count(static shard => shard.Status is FleetShardStatus.Stopped or FleetShardStatus.Retrying);
        checks.Add(
            "fleet",
            CheckList.Note,
            $"{view.Workers.Count} workers hold leases; {free} leases are free, {waiting} shards wait for a record that fails. A worker "
                + "without a lease is in no row.");
    }

    /// <summary>Each kind of write, on a condition that nothing fulfils: what is refused for that was allowed.</summary>
    private async Task WritesAsync(IReadOnlyList<Lease> rows, CancellationToken cancellationToken)
    {
        await TryAsync("read rows", "dynamodb:GetItem", async () =>
        {
            await context.Fleet.Store.GetManyAsync([NoShard], ReadConsistency.Strong, cancellationToken);
            return "Rows can be read.";
        }, cancellationToken);
        await TryAsync("write a row", "dynamodb:UpdateItem", async () =>
        {
            Settle((await context.Fleet.Store.WriteAsync([WriteOf(NoShard)], cancellationToken))[0]);
            return "Rows can be written (tried on a row that is not there; it cost a write unit).";
        }, cancellationToken);
        await TryAsync("write many rows", "dynamodb:PartiQLUpdate", async () =>
        {
            foreach (LeaseWrite.Result result in await context.Fleet.Store.WriteAsync(
                [WriteOf(NoShard), WriteOf($"{NoShard}-2")], cancellationToken))
            {
                Settle(result);
            }

            return "Rows can be written, in one request or one by one (tried on rows that are not there; it cost two write units).";
        }, cancellationToken);
        await TryAsync("delete a row", "dynamodb:DeleteItem", async () =>
        {
            Settle(await context.Fleet.Store.DeleteAsync(new Lease { LeaseKey = NoShard, LeaseCounter = -1 }, cancellationToken));
            return "Rows can be deleted (tried on a row that is not there; it cost a write unit).";
        }, cancellationToken);
        if (rows is [{ } there, ..])
        {
            await TryAsync("create a row", "dynamodb:PutItem", async () =>
            {
                // a row that is there is never created
                Settle(await context.Fleet.Store.CreateAsync(new Lease { LeaseKey = there.LeaseKey }, cancellationToken));
                return "Rows can be created (tried on a row that is there, which stays as it is; it cost a write unit).";
            }, cancellationToken);
            if (rows.Any(static row => row.Lineage is not null))
            {
                // only where a processor keeps state
                await TryAsync("create a child's row", "dynamodb:ConditionCheckItem", async () =>
                {
                    Settle(await CreateChildAsync(there.LeaseKey, cancellationToken));
                    return "Rows of child shards can be created, as processors with [State] need it (tried on a row that is there, which "
                        + "stays as it is).";
                }, cancellationToken);
            }
        }
        else
        {
            checks.Add(
                "create a row",
                CheckList.NotTried,
                $"Without a row nothing can be tried. The statement: "
                    + $"{{\"Effect\":\"Allow\",\"Action\":\"dynamodb:PutItem\",\"Resource\":\"{_arn}\"}}");
        }

        static LeaseWrite WriteOf(string key) => new()
        {
            LeaseKey = key,
            If = new Dictionary<string, Lease.Value?>(StringComparer.Ordinal) { [Lease.Names.LeaseOwner] = NoShard },
            Remove = [Lease.Names.Notification],
        };

        static void Settle(LeaseWrite.Result result)
        {
            if (result.Outcome != LeaseWrite.Outcome.Refused)
            {
                throw result.Error as LeaseStoreException
                    ?? new LeaseStoreException($"The write has ended as {result.Outcome}.", isTransient: true, result.Error);
            }
        }
    }

    private async Task<LeaseWrite.Result> CreateChildAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return await context.Fleet.Store.CreateWhileThereAsync(new Lease { LeaseKey = key }, [NoShard], cancellationToken);
        }
        catch (NotSupportedException e)
        {
            throw new LeaseStoreException(e.Message, isTransient: false, e);
        }
    }

    private Task<bool> KclAsync(CancellationToken cancellationToken) => checks.TryAsync(
        "KCL 3.x fleet",
        "FCF4009",
        "dynamodb:DescribeTable",
        _arn,
        async () =>
        {
            await using var strict = new Connections.Fleet(
                context.Arguments, context.Time, new Connections.ErrorLog(context.Error), isToWrite: true);
            await strict.Store.PrepareAsync(cancellationToken);
            return "No fleet of KCL 3.x runs on the table.";
        },
        cancellationToken);
}
