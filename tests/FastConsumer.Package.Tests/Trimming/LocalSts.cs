using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace FastConsumer.Package.Tests.Trimming;

/// <summary>As much of AWS STS as web identities need, on a loopback port: one operation, in the service's XML.</summary>
internal sealed class LocalSts : IAsyncDisposable
{
    public const string AccessKeyId = "ASIAFROMTHELOCALSTS0";
    public const string SecretAccessKey = "a secret of the local STS";
    public const string SessionToken = "a session of the local STS";

    private static readonly TimeSpan s_lifetime = TimeSpan.FromHours(1);

    private readonly WebApplication _server;

    private LocalSts(WebApplication server) => _server = server;

    public string ServiceUrl => _server.Urls.Single();

    /// <summary>What it was asked: role, session name, token.</summary>
    public ConcurrentQueue<(string Role, string Session, string Token)> Asked { get; } = new();

    public static async Task<LocalSts> StartAsync(CancellationToken cancellationToken)
    {
        WebApplication server = WebApplication.CreateSlimBuilder().Build();
        var sts = new LocalSts(server);
        server.Urls.Add("http://127.0.0.1:0");
        server.MapPost("/", sts.AnswerAsync);
        await server.StartAsync(cancellationToken);
        return sts;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        IFormCollection request = await context.Request.ReadFormAsync(context.RequestAborted);
        if (request["Action"] != "AssumeRoleWithWebIdentity")
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        Asked.Enqueue((request["RoleArn"].ToString(), request["RoleSessionName"].ToString(), request["WebIdentityToken"].ToString()));
        string expiration = TimeProvider.System.GetUtcNow().Add(s_lifetime)
            .ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        context.Response.ContentType = "text/xml";
        await context.Response.WriteAsync(
            $"""
             <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
               <AssumeRoleWithWebIdentityResult>
                 <SubjectFromWebIdentityToken>pod</SubjectFromWebIdentityToken>
                 <AssumedRoleUser>
                   <Arn>arn:aws:sts::000000000000:assumed-role/consumer/trimmed</Arn>
                   <AssumedRoleId>AROALOCAL:trimmed</AssumedRoleId>
                 </AssumedRoleUser>
                 <Credentials>
                   <AccessKeyId>{AccessKeyId}</AccessKeyId>
                   <SecretAccessKey>{SecretAccessKey}</SecretAccessKey>
                   <SessionToken>{SessionToken}</SessionToken>
                   <Expiration>{expiration}</Expiration>
                 </Credentials>
               </AssumeRoleWithWebIdentityResult>
               <ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata>
             </AssumeRoleWithWebIdentityResponse>
             """,
            context.RequestAborted);
    }
}
