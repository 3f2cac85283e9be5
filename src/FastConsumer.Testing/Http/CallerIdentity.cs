using System.Net;
using System.Security;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace FastConsumer.Testing.Http;

/// <summary>
/// Answers the one call of AWS STS that the Kinesis Producer Library makes, GetCallerIdentity: it builds its streams' ARNs from the
/// account that it is told.
/// </summary>
internal static class CallerIdentity
{
    public const string Service = "sts";

    private const string FormType = "application/x-www-form-urlencoded";
    private const string Namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
    private const string UserId = "AIDALOCALEMULATOR0000";

    public static bool IsFor(HttpRequest request) =>
        request.Method == HttpMethods.Post
        && request.ContentType is { } type
        && type.StartsWith(FormType, StringComparison.OrdinalIgnoreCase);

    public static async Task AnswerAsync(
        HttpContext context, ReadOnlyMemory<byte> form, string accountId, string requestId)
    {
        string? action = Action(Encoding.UTF8.GetString(form.Span));
        bool isKnown = action == "GetCallerIdentity";
        string xml = isKnown
            ? $"""
                <GetCallerIdentityResponse xmlns="{Namespace}">
                  <GetCallerIdentityResult>
                    <Arn>arn:aws:iam::{accountId}:user/local</Arn>
                    <UserId>{UserId}</UserId>
                    <Account>{accountId}</Account>
                  </GetCallerIdentityResult>
                  <ResponseMetadata>
                    <RequestId>{requestId}</RequestId>
                  </ResponseMetadata>
                </GetCallerIdentityResponse>
                """
            : Error("InvalidAction", $"Action '{action}' is no operation here: of AWS STS there is GetCallerIdentity alone.", requestId);
        await SendAsync(context, isKnown ? 200 : 400, xml);
    }

    public static Task RefuseAsync(HttpContext context, int status, string code, string message, string requestId) =>
        SendAsync(context, status, Error(code, message, requestId));

    private static string Error(string code, string message, string requestId) => $"""
        <ErrorResponse xmlns="{Namespace}">
          <Error>
            <Type>Sender</Type>
            <Code>{code}</Code>
            <Message>{SecurityElement.Escape(message)}</Message>
          </Error>
          <RequestId>{requestId}</RequestId>
        </ErrorResponse>
        """;

    private static async Task SendAsync(HttpContext context, int status, string xml)
    {
        byte[] body = Encoding.UTF8.GetBytes(xml);
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/xml";
        context.Response.ContentLength = body.Length;
        await context.Response.BodyWriter.WriteAsync(body, context.RequestAborted);
    }

    private static string? Action(string form) => form
        .Split('&')
        .Select(static pair => pair.Split('=', 2))
        .Where(static pair => pair.Length == 2 && pair[0] == "Action")
        .Select(static pair => WebUtility.UrlDecode(pair[1]))
        .FirstOrDefault();
}
