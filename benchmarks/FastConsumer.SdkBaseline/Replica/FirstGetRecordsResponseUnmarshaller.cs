using System.Net;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Transform;
using Amazon.Runtime.Internal.Util;

namespace FastConsumer.SdkBaseline.Replica;

/// <summary>
/// Reads an answer as the first packages of AWSSDK v4 did: a member is tested by the path to it, which is put together anew for each.
/// Packages of the time of Core 4.0.102 test the name.
/// </summary>
public sealed class FirstGetRecordsResponseUnmarshaller : JsonResponseUnmarshaller
{
    public static FirstGetRecordsResponseUnmarshaller Instance { get; } = new();

    public override AmazonWebServiceResponse Unmarshall(JsonUnmarshallerContext input)
    {
        JsonUnmarshallerContext context = input;
        var response = new GetRecordsResponse();
        var reader = new StreamingUtf8JsonReader(context.Stream);
        context.Read(ref reader);
        int depth = context.CurrentDepth;
        while (context.ReadAtDepth(depth, ref reader))
        {
            if (context.TestExpression("MillisBehindLatest", depth))
            {
                response.MillisBehindLatest = NullableLongUnmarshaller.Instance.Unmarshall(context, ref reader);
            }
            else if (context.TestExpression("NextShardIterator", depth))
            {
                response.NextShardIterator = StringUnmarshaller.Instance.Unmarshall(context, ref reader);
            }
            else if (context.TestExpression("Records", depth))
            {
                response.Records = new JsonListUnmarshaller<Record, RecordUnmarshaller>(RecordUnmarshaller.Instance).Unmarshall(
                    context, ref reader);
            }
        }

        return response;
    }

    public override AmazonServiceException UnmarshallException(
        JsonUnmarshallerContext input, Exception innerException, HttpStatusCode statusCode)
    {
        var reader = new StreamingUtf8JsonReader(input.Stream);
        ErrorResponse error = JsonErrorResponseUnmarshaller.GetInstance().Unmarshall(input, ref reader);
        return new AmazonServiceException(error.Message, innerException, error.Type, error.Code, error.RequestId, statusCode);
    }

    /// <summary>One record.</summary>
    private sealed class RecordUnmarshaller : IJsonUnmarshaller<Record, JsonUnmarshallerContext>
    {
        public static RecordUnmarshaller Instance { get; } = new();

        public Record Unmarshall(JsonUnmarshallerContext context, ref StreamingUtf8JsonReader reader)
        {
            var record = new Record();
            context.Read(ref reader);
            int depth = context.CurrentDepth;
            while (context.ReadAtDepth(depth, ref reader))
            {
                if (context.TestExpression("ApproximateArrivalTimestamp", depth))
                {
                    record.ApproximateArrivalTimestamp = NullableDateTimeUnmarshaller.Instance.Unmarshall(context, ref reader);
                }
                else if (context.TestExpression("Data", depth))
                {
                    record.Data = MemoryStreamUnmarshaller.Instance.Unmarshall(context, ref reader);
                }
                else if (context.TestExpression("EncryptionType", depth))
                {
                    record.EncryptionType = EncryptionType.Of(StringUnmarshaller.Instance.Unmarshall(context, ref reader));
                }
                else if (context.TestExpression("PartitionKey", depth))
                {
                    record.PartitionKey = StringUnmarshaller.Instance.Unmarshall(context, ref reader);
                }
                else if (context.TestExpression("SequenceNumber", depth))
                {
                    record.SequenceNumber = StringUnmarshaller.Instance.Unmarshall(context, ref reader);
                }
            }

            return record;
        }
    }
}
