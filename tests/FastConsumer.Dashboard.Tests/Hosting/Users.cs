using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FastConsumer.Dashboard.Tests.Hosting;

/// <summary>Users who say in a header who they are, and policies that name one of them.</summary>
internal static class Users
{
    private const string SchemeName = "test";
    private const string Header = "X-Test-User";

    public static void SignIn(HttpRequestMessage request, string user) => request.Headers.Add(Header, user);

    public static void Add(IServiceCollection services, params string[] policiesAndUsers)
    {
        services.AddAuthentication(SchemeName).AddScheme<AuthenticationSchemeOptions, Handler>(SchemeName, null);
        services.AddAuthorization(options =>
        {
            for (int i = 0; i < policiesAndUsers.Length; i += 2)
            {
                string user = policiesAndUsers[i + 1];
                options.AddPolicy(policiesAndUsers[i], policy => policy.RequireAssertion(context =>
                    context.User.Identity is { IsAuthenticated: true, Name: { } name } && user.Split(',').Contains(name))
                    .RequireAuthenticatedUser());
            }
        });
    }

    private sealed class Handler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            if (!Request.Headers.TryGetValue(Header, out Microsoft.Extensions.Primitives.StringValues user))
            {
                return Task.FromResult(AuthenticateResult.NoResult());
            }

            var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, user.ToString())], SchemeName);
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName)));
        }
    }
}
