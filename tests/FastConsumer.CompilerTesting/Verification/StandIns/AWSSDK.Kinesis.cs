// The part of AWSSDK.Kinesis that processors of the corpus use.
using Amazon.Kinesis.Model;
using Amazon.Runtime;

namespace Amazon.Kinesis
{
    public interface IAmazonKinesis : IAmazonService, IDisposable
    {
        Task<PutRecordResponse> PutRecordAsync(PutRecordRequest request, CancellationToken cancellationToken = default);

        Task<PutRecordsResponse> PutRecordsAsync(PutRecordsRequest request, CancellationToken cancellationToken = default);
    }

    public class AmazonKinesisException(string message) : AmazonServiceException(message);
}

namespace Amazon.Kinesis.Model
{
    public class PutRecordRequest : AmazonWebServiceRequest
    {
        public string StreamName { get; set; }

        public string PartitionKey { get; set; }

        public MemoryStream Data { get; set; }
    }

    public class PutRecordResponse : AmazonWebServiceResponse
    {
        public string SequenceNumber { get; set; }
    }

    public class PutRecordsRequest : AmazonWebServiceRequest
    {
        public string StreamName { get; set; }

        public List<PutRecordsRequestEntry> Records { get; set; }
    }

    public class PutRecordsRequestEntry
    {
        public string PartitionKey { get; set; }

        public MemoryStream Data { get; set; }
    }

    public class PutRecordsResponse : AmazonWebServiceResponse
    {
        public int? FailedRecordCount { get; set; }

        public List<PutRecordsResultEntry> Records { get; set; }
    }

    public class PutRecordsResultEntry
    {
        public string ErrorCode { get; set; }

        public string SequenceNumber { get; set; }
    }

    public class ProvisionedThroughputExceededException(string message) : AmazonKinesisException(message);
}
