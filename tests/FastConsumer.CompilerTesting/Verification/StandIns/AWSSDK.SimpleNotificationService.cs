// The part of AWSSDK.SimpleNotificationService that processors of the corpus use.
using Amazon.Runtime;
using Amazon.SimpleNotificationService.Model;

namespace Amazon.SimpleNotificationService
{
    public interface IAmazonSimpleNotificationService : IAmazonService, IDisposable
    {
        Task<PublishResponse> PublishAsync(string topicArn, string message, CancellationToken cancellationToken = default);

        Task<PublishResponse> PublishAsync(PublishRequest request, CancellationToken cancellationToken = default);

        Task<PublishBatchResponse> PublishBatchAsync(PublishBatchRequest request, CancellationToken cancellationToken = default);
    }

    public class AmazonSimpleNotificationServiceException(string message) : AmazonServiceException(message);
}

namespace Amazon.SimpleNotificationService.Model
{
    public class PublishRequest : AmazonWebServiceRequest
    {
        public string TopicArn { get; set; }

        public string Message { get; set; }

        public string MessageGroupId { get; set; }
    }

    public class PublishResponse : AmazonWebServiceResponse
    {
        public string MessageId { get; set; }
    }

    public class PublishBatchRequest : AmazonWebServiceRequest
    {
        public string TopicArn { get; set; }

        public List<PublishBatchRequestEntry> PublishBatchRequestEntries { get; set; }
    }

    public class PublishBatchRequestEntry
    {
        public string Id { get; set; }

        public string Message { get; set; }
    }

    public class PublishBatchResponse : AmazonWebServiceResponse
    {
        public List<BatchResultErrorEntry> Failed { get; set; }

        public List<PublishBatchResultEntry> Successful { get; set; }
    }

    public class PublishBatchResultEntry
    {
        public string Id { get; set; }
    }

    public class BatchResultErrorEntry
    {
        public string Id { get; set; }

        public string Code { get; set; }

        public bool? SenderFault { get; set; }
    }

    public class InvalidParameterException(string message) : AmazonSimpleNotificationServiceException(message);
}
