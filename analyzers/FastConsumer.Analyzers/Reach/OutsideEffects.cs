using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>
/// Calls that leave something behind outside of the process: what they write or send is there twice where they are made twice. Calls that
/// only read are none, and neither are those of which the code does not say what they do.
/// </summary>
internal static class OutsideEffects
{
    private const string Write = "writes";
    private const string Send = "sends";

    // by containing type or one of its bases and interfaces; a method's name ends with * where more may follow
    private static readonly Dictionary<string, (string What, string Methods)> s_known = new()
    {
        ["System.Net.Http.HttpClient"] = (Send, "Post* Put* Patch* Delete*"),
        ["System.Net.Http.Json.HttpClientJsonExtensions"] = (Send, "Post* Put* Patch* Delete*"),
        ["System.Net.Mail.SmtpClient"] = (Send, "Send*"),
        ["System.IO.File"] = (Write, "Write* Append* Copy Move Replace"),
        ["System.IO.FileStream"] = (Write, "Write*"),
        ["System.IO.RandomAccess"] = (Write, "Write*"),
        ["System.Data.IDbCommand"] = (Write, "ExecuteNonQuery*"),
        ["System.Data.Common.DbCommand"] = (Write, "ExecuteNonQuery*"),
        ["System.Data.Common.DbBatch"] = (Write, "ExecuteNonQuery*"),
        ["Npgsql.NpgsqlBinaryImporter"] = (Write, "Complete*"),
        ["MySqlConnector.MySqlBulkCopy"] = (Write, "WriteToServer*"),
        ["Microsoft.Data.SqlClient.SqlBulkCopy"] = (Write, "WriteToServer*"),
        ["System.Data.SqlClient.SqlBulkCopy"] = (Write, "WriteToServer*"),
        ["Dapper.SqlMapper"] = (Write, "Execute ExecuteAsync"),
        ["Microsoft.EntityFrameworkCore.DbContext"] = (Write, "SaveChanges*"),
        ["Microsoft.EntityFrameworkCore.EntityFrameworkQueryableExtensions"] = (Write, "ExecuteUpdate* ExecuteDelete*"),
        ["Microsoft.EntityFrameworkCore.RelationalQueryableExtensions"] = (Write, "ExecuteUpdate* ExecuteDelete*"),
        ["Microsoft.EntityFrameworkCore.RelationalDatabaseFacadeExtensions"] = (Write, "ExecuteSql*"),
        ["MongoDB.Driver.IMongoCollection"] = (Write, "Insert* Replace* Update* Delete* BulkWrite* FindOneAnd*"),
        ["StackExchange.Redis.IDatabase"] = (Write, RedisWrites),
        ["StackExchange.Redis.IDatabaseAsync"] = (Write, RedisWrites),
        ["StackExchange.Redis.ISubscriber"] = (Send, "Publish*"),
        ["Amazon.SQS.IAmazonSQS"] = (Send, "SendMessage*"),
        ["Amazon.SimpleNotificationService.IAmazonSimpleNotificationService"] = (Send, "Publish*"),
        ["Amazon.Kinesis.IAmazonKinesis"] = (Send, "PutRecord*"),
        ["Amazon.KinesisFirehose.IAmazonKinesisFirehose"] = (Send, "PutRecord*"),
        ["Amazon.EventBridge.IAmazonEventBridge"] = (Send, "PutEvents*"),
        ["Amazon.StepFunctions.IAmazonStepFunctions"] = (Send, "StartExecution* StartSyncExecution*"),
        ["Amazon.SimpleEmail.IAmazonSimpleEmailService"] = (Send, "Send*"),
        ["Amazon.SimpleEmailV2.IAmazonSimpleEmailServiceV2"] = (Send, "Send*"),
        ["Amazon.DynamoDBv2.IAmazonDynamoDB"] = (Write, "PutItem* UpdateItem* DeleteItem* BatchWriteItem* TransactWriteItems*"),
        ["Amazon.DynamoDBv2.DataModel.IDynamoDBContext"] = (Write, "Save* Delete* ExecuteBatchWrite* ExecuteTransactWrite*"),
        ["Amazon.DynamoDBv2.DocumentModel.ITable"] = (Write, "PutItem* UpdateItem* DeleteItem*"),
        ["Amazon.DynamoDBv2.DocumentModel.Table"] = (Write, "PutItem* UpdateItem* DeleteItem*"),
        ["Amazon.S3.IAmazonS3"] = (Write, "PutObject PutObjectAsync CopyObject* DeleteObject* CompleteMultipartUpload*"),
        ["Amazon.S3.Transfer.ITransferUtility"] = (Write, "Upload*"),
        ["Confluent.Kafka.IProducer"] = (Send, "Produce*"),
        ["Azure.Messaging.ServiceBus.ServiceBusSender"] = (Send, "SendMessage* ScheduleMessage*"),
        ["Azure.Messaging.EventHubs.Producer.EventHubProducerClient"] = (Send, "Send*"),
        ["Azure.Messaging.EventHubs.Producer.EventHubBufferedProducerClient"] = (Send, "Enqueue*"),
        ["Azure.Storage.Queues.QueueClient"] = (Send, "SendMessage*"),
        ["Azure.Storage.Blobs.BlobClient"] = (Write, "Upload*"),
        ["Azure.Data.Tables.TableClient"] = (Write, "AddEntity* UpdateEntity* UpsertEntity* DeleteEntity* SubmitTransaction*"),
        ["Microsoft.Azure.Cosmos.Container"] = (Write, "CreateItem* UpsertItem* ReplaceItem* PatchItem* DeleteItem*"),
        ["RabbitMQ.Client.IModel"] = (Send, "BasicPublish*"),
        ["RabbitMQ.Client.IChannel"] = (Send, "BasicPublish*"),
        ["RabbitMQ.Client.IModelExensions"] = (Send, "BasicPublish*"),
        ["RabbitMQ.Client.IChannelExtensions"] = (Send, "BasicPublish*"),
        ["MassTransit.IPublishEndpoint"] = (Send, "Publish*"),
        ["MassTransit.ISendEndpoint"] = (Send, "Send*"),
    };

    private const string RedisWrites = "StringSet* StringAppend* StringIncrement* StringDecrement* HashSet* HashIncrement* HashDecrement* "
        + "HashDelete* ListLeftPush* ListRightPush* ListRemove* SetAdd* SetRemove* SortedSetAdd* SortedSetIncrement* SortedSetDecrement* "
        + "SortedSetRemove* StreamAdd* KeyDelete* GeoAdd* HyperLogLogAdd* Publish*";

    private static readonly HashSet<string> s_names = [.. s_known.Keys.Select(name => name.Substring(name.LastIndexOf('.') + 1))];

    /// <summary>Verbs of HTTP that only ask.</summary>
    private static readonly string[] s_asking = ["Get", "Head", "Options", "Trace", "Query"];

    /// <summary>What a call does outside of the process, as a verb; null for nothing that is known.</summary>
    public static string? Of(IInvocationOperation call)
    {
        INamedTypeSymbol type = call.TargetMethod.ContainingType;
        foreach (INamedTypeSymbol part in type.AllInterfaces.Concat(WithBases(type)))
        {
            if (s_names.Contains(part.Name)
                && s_known.TryGetValue($"{part.NamespaceName()}.{part.Name}", out (string What, string Methods) known)
                && known.Methods.Split(' ').Any(pattern => Matches(call.TargetMethod.Name, pattern)))
            {
                return known.What;
            }
        }

        return call.TargetMethod.Name is "Send" or "SendAsync"
            && type.DerivesFrom("System.Net.Http", "HttpMessageInvoker")
            && call.Arguments.FirstOrDefault(argument => argument.Parameter?.Ordinal == 0)?.Value is { } request
            && IsChange(request)
                ? Send
                : null;
    }

    /// <summary>True for a request that is made here with a verb that changes something.</summary>
    private static bool IsChange(IOperation request)
    {
        IOperation value = request.Unwrapped();
        if (value is ILocalReferenceOperation local)
        {
            value = local.InitialValue()?.Unwrapped() ?? value;
        }

        if (value is not IObjectCreationOperation creation)
        {
            return false;
        }

        IOperation? verb = creation.Arguments
            .FirstOrDefault(argument => argument.Parameter?.Type.Is("System.Net.Http", "HttpMethod") == true)
            ?.Value
            ?? creation.Initializer?.Initializers.OfType<ISimpleAssignmentOperation>()
                .FirstOrDefault(part => part.Target is IPropertyReferenceOperation { Property.Name: "Method" })?.Value;
        return verb?.Unwrapped() is IPropertyReferenceOperation { Property: { IsStatic: true } property }
            && property.ContainingType.Is("System.Net.Http", "HttpMethod")
            && Array.IndexOf(s_asking, property.Name) < 0;
    }

    private static IEnumerable<INamedTypeSymbol> WithBases(INamedTypeSymbol type)
    {
        for (INamedTypeSymbol? part = type; part is not null; part = part.BaseType)
        {
            yield return part;
        }
    }

    private static bool Matches(string name, string pattern) => pattern[pattern.Length - 1] == '*'
        ? name.StartsWith(pattern.Substring(0, pattern.Length - 1), StringComparison.Ordinal)
        : name == pattern;
}
