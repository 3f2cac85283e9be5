using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Transform;
using Amazon.Runtime.Internal.Util;

namespace FastConsumer.SdkBaseline.Replica;

/// <summary>Reads an answer with the SDK's own streaming reader and context, members tested by name in the model's order.</summary>
public sealed class GetRecordsResponseUnmarshaller : JsonResponseUnmarshaller
{
    private const int DefaultBufferSize = 4096;

    public static GetRecordsResponseUnmarshaller Instance { get; } = new();

    public override AmazonWebServiceResponse Unmarshall(JsonUnmarshallerContext input)
    {
        JsonUnmarshallerContext context = input;
        var response = new GetRecordsResponse();
        var reader = new StreamingUtf8JsonReader(
            context.Stream, AWSConfigs.StreamingUtf8JsonReaderBufferSize ?? DefaultBufferSize, context.JsonMaxDepth);
        context.Read(ref reader);
        int depth = context.CurrentDepth;
        while (context.ReadAtDepth(depth, ref reader))
        {
            if (context.TestExpression("MillisBehindLatest", depth, ref reader))
            {
                response.MillisBehindLatest = NullableLongUnmarshaller.Instance.Unmarshall(context, ref reader);
            }
            else if (context.TestExpression("NextShardIterator", depth, ref reader))
            {
                response.NextShardIterator = StringUnmarshaller.Instance.Unmarshall(context, ref reader);
            }
            else if (context.TestExpression("Records", depth, ref reader))
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
                if (context.TestExpression("ApproximateArrivalTimestamp", depth, ref reader))
                {
                    record.ApproximateArrivalTimestamp = NullableDateTimeUnmarshaller.Instance.Unmarshall(context, ref reader);
                }
                else if (context.TestExpression("Data", depth, ref reader))
                {
                    record.Data = MemoryStreamUnmarshaller.Instance.Unmarshall(context, ref reader);
                }
                else if (context.TestExpression("EncryptionType", depth, ref reader))
                {
                    record.EncryptionType = EncryptionType.Of(StringUnmarshaller.Instance.Unmarshall(context, ref reader));
                }
                else if (context.TestExpression("PartitionKey", depth, ref reader))
                {
                    record.PartitionKey = StringUnmarshaller.Instance.Unmarshall(context, ref reader);
                }
                else if (context.TestExpression("SequenceNumber", depth, ref reader))
                {
                    record.SequenceNumber = StringUnmarshaller.Instance.Unmarshall(context, ref reader);
                }
            }

            return record;
        }
    }
}
