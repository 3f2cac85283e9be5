// The part of AWSSDK.KinesisFirehose that processors of the corpus use.
using Amazon.KinesisFirehose.Model;
using Amazon.Runtime;

namespace Amazon.KinesisFirehose
{
    public interface IAmazonKinesisFirehose : IAmazonService, IDisposable
    {
        Task<PutRecordResponse> PutRecordAsync(PutRecordRequest request, CancellationToken cancellationToken = default);

        Task<PutRecordBatchResponse> PutRecordBatchAsync(
            string deliveryStreamName, List<Record> records, CancellationToken cancellationToken = default);

        Task<PutRecordBatchResponse> PutRecordBatchAsync(PutRecordBatchRequest request, CancellationToken cancellationToken = default);
    }

    public class AmazonKinesisFirehoseException(string message) : AmazonServiceException(message);
}

namespace Amazon.KinesisFirehose.Model
{
    public class Record
    {
        public MemoryStream Data { get; set; }
    }

    public class PutRecordRequest : AmazonWebServiceRequest
    {
        public string DeliveryStreamName { get; set; }

        public Record Record { get; set; }
    }

    public class PutRecordResponse : AmazonWebServiceResponse
    {
        public string RecordId { get; set; }
    }

    public class PutRecordBatchRequest : AmazonWebServiceRequest
    {
        public string DeliveryStreamName { get; set; }

        public List<Record> Records { get; set; }
    }

    public class PutRecordBatchResponse : AmazonWebServiceResponse
    {
        public int? FailedPutCount { get; set; }

        public List<PutRecordBatchResponseEntry> RequestResponses { get; set; }
    }

    public class PutRecordBatchResponseEntry
    {
        public string ErrorCode { get; set; }

        public string RecordId { get; set; }
    }
}
