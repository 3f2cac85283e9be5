// The part of AWSSDK.EventBridge that processors of the corpus use.
using Amazon.EventBridge.Model;
using Amazon.Runtime;

namespace Amazon.EventBridge
{
    public interface IAmazonEventBridge : IAmazonService, IDisposable
    {
        Task<PutEventsResponse> PutEventsAsync(PutEventsRequest request, CancellationToken cancellationToken = default);
    }

    public class AmazonEventBridgeException(string message) : AmazonServiceException(message);
}

namespace Amazon.EventBridge.Model
{
    public class PutEventsRequest : AmazonWebServiceRequest
    {
        public List<PutEventsRequestEntry> Entries { get; set; }
    }

    public class PutEventsRequestEntry
    {
        public string Source { get; set; }

        public string DetailType { get; set; }

        public string Detail { get; set; }

        public string EventBusName { get; set; }
    }

    public class PutEventsResponse : AmazonWebServiceResponse
    {
        public int? FailedEntryCount { get; set; }

        public List<PutEventsResultEntry> Entries { get; set; }
    }

    public class PutEventsResultEntry
    {
        public string ErrorCode { get; set; }

        public string EventId { get; set; }
    }
}
