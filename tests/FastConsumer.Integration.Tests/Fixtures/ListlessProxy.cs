using Microsoft.AspNetCore.Http;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>
/// Stands before a DynamoDB and, while it is told to, throttles whoever lists a table: rows are written and read one by one all the same.
/// </summary>
internal sealed class ListlessProxy : AwsProxy
{
    private const string Throttled =
        """{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"The level of configured provisioned throughput for the table was exceeded."}""";

    private volatile bool _throttles;

    private ListlessProxy(string serviceUrl)
        : base(serviceUrl)
    {
    }

    public bool Throttles
    {
        get => _throttles;
        set => _throttles = value;
    }

    public static Task<ListlessProxy> StartAsync(string serviceUrl, CancellationToken cancellationToken) =>
        StartAsync(new ListlessProxy(serviceUrl), cancellationToken);

    protected override async Task AnswerAsync(HttpContext context)
    {
        if (Throttles && Asks(context, "Scan"))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            context.Response.ContentType = "application/x-amz-json-1.0";
            await context.Response.WriteAsync(Throttled, context.RequestAborted);
            return;
        }

        using var response = await ForwardAsync(context);
        await response.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
