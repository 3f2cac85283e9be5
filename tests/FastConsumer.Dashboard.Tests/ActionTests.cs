using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using FastConsumer.Dashboard.Tests.Hosting;
using FastConsumer.Leases;
using FastConsumer.Operators;
using Microsoft.AspNetCore.Builder;

namespace FastConsumer.Dashboard.Tests;

/// <summary>What the dashboard does where it may.</summary>
public sealed class ActionTests : DashboardTest
{
    [Fact]
    public async Task Nothing_can_be_done_unless_that_was_allowed()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases);
        (HttpStatusCode status, _) = await host.ActAsync(Drain());
        Assert.Contains(status, (HttpStatusCode[])[HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed]);
        Assert.False((await host.GetAsync("api/session")).TryGetProperty("allowActions", out _));
    }

    [Fact]
    public async Task A_record_that_stops_its_shard_is_decided_about()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, Allow);
        Kinesis.Put(DashboardHost.Stream, "a", "before");
        Kinesis.Put(DashboardHost.Stream, "a", "poison");
        Kinesis.Put(DashboardHost.Stream, "a", "behind");
        JsonElement failing = default;
        string shardId = "";
        JsonElement worker = await host.WorkerAsync(worker =>
        {
            JsonElement shard = worker.GetProperty("shards").EnumerateArray()
                .FirstOrDefault(static shard => shard.TryGetProperty("failing", out _));
            if (shard.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            failing = shard.GetProperty("failing").Clone();
            shardId = shard.GetProperty("id").GetString()!;
            return shard.GetProperty("status").GetString() == "Stopped";
        });
        Assert.Equal("NotSupportedException", failing.GetProperty("error").GetString());
        Assert.DoesNotContain("secret", worker.GetRawText(), StringComparison.Ordinal);

        string position = failing.GetProperty("position").GetString()!;
        string token = failing.GetProperty("token").GetString()!;
        (HttpStatusCode status, string answer) = await host.ActAsync(Skip(position, "999999"));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("no longer fails", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("isDone", answer, StringComparison.Ordinal);

        (status, answer) = await host.ActAsync(Skip(position, token));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("\"isDone\":true", answer, StringComparison.Ordinal);
        await Eventually.TrueAsync(() => host.Done.Contains("behind"), () => string.Join(' ', host.Done));
        DecidedRecord decided = OperatorNotes.ReadDecision(Row(shardId).Decision)!;
        Assert.Equal(("ann", "not ours", RecordDecision.Skip, position), (decided.By, decided.Reason, decided.Decision, decided.Position));
        worker = await host.WorkerAsync(worker => DashboardHost.Shard(worker, shardId).TryGetProperty("decision", out _)
            && !DashboardHost.Shard(worker, shardId).TryGetProperty("failing", out _));
        Assert.Equal("Held", DashboardHost.Shard(worker, shardId).GetProperty("status").GetString());

        object Skip(string position, string token) => new
        {
            action = "skip",
            processor = "TextProcessor",
            shard = shardId,
            position,
            token,
            by = "ann",
            reason = "not ours",
        };
    }

    [Fact]
    public async Task A_shard_is_paused_and_resumed()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, Allow);
        await host.WorkerAsync(static worker => DashboardHost.Shard(worker, FirstShard).ValueKind == JsonValueKind.Object);
        (HttpStatusCode status, string answer) = await host.ActAsync(
            new { action = "pause", shard = FirstShard, by = "ann", reason = "migration", until = "2100-01-01T00:00:00Z" });
        Assert.Equal((HttpStatusCode.OK, "{\"isDone\":true,\"message\":\"1 shards are paused.\"}"), (status, answer));
        JsonElement worker = await host.WorkerAsync(static worker =>
            DashboardHost.Shard(worker, FirstShard).GetProperty("status").GetString() == "Paused"
            && DashboardHost.Shard(worker, FirstShard).TryGetProperty("pause", out _));
        JsonElement pause = DashboardHost.Shard(worker, FirstShard).GetProperty("pause");
        Assert.Equal(("ann", "migration", 2100), (pause.GetProperty("by").GetString(), pause.GetProperty("reason").GetString(),
            pause.GetProperty("until").GetDateTimeOffset().Year));
        (_, answer) = await host.ActAsync(new { action = "resume", shard = FirstShard, by = "ann", reason = "done" });
        Assert.Contains("isDone", answer, StringComparison.Ordinal);
        await host.WorkerAsync(static worker => DashboardHost.Shard(worker, FirstShard).GetProperty("status").GetString() == "Held");
    }

    [Fact]
    public async Task The_process_is_drained_and_takes_its_leases_again()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, Allow);
        await host.WorkerAsync(static worker => Mine(worker) == 2);
        (_, string answer) = await host.ActAsync(Drain());
        Assert.Contains("isDone", answer, StringComparison.Ordinal);
        await host.WorkerAsync(static worker => Mine(worker) == 0 && worker.TryGetProperty("isDraining", out _));
        (_, answer) = await host.ActAsync(new { action = "end-drain", by = "ann", reason = "done" });
        Assert.Contains("isDone", answer, StringComparison.Ordinal);
        await host.WorkerAsync(static worker => Mine(worker) == 2 && !worker.TryGetProperty("isDraining", out _));

        static int Mine(JsonElement worker) =>
            worker.GetProperty("shards").EnumerateArray().Count(static shard => shard.TryGetProperty("mine", out _));
    }

    [Fact]
    public async Task An_acknowledgement_reaches_the_control()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, Allow);
        (HttpStatusCode status, string answer) = await host.ActAsync(
            new { action = "acknowledge", finding = "FCF1018", scope = "nowhere", by = "ann", reason = "seen" });
        Assert.Equal((HttpStatusCode.OK, "{\"message\":\"FCF1018 does not hold any more.\"}"), (status, answer));
        (status, answer) = await host.ActAsync(
            new { action = "acknowledge", finding = "FCF2001", scope = "nowhere", by = "ann", reason = "seen" });
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("ends by itself", answer, StringComparison.Ordinal);
    }

    public static TheoryData<string, string?> Foreign { get; } = new()
    {
        { "X-FastConsumer-Action", null },
        { "X-FastConsumer-Action", "0" },
        { "Origin", "http://attacker.example" },
        { "Origin", "null" },
        { "Origin", "http://127.0.0.1:1" },
        { "Origin", "http://localhost" },
        { "Sec-Fetch-Site", "cross-site" },
        { "Sec-Fetch-Site", "same-site" },
        { "Sec-Fetch-Site", "none" },
        { "X-Forwarded-For", "127.0.0.1" },
    };

    [Theory]
    [MemberData(nameof(Foreign))]
    public async Task What_does_not_come_from_the_dashboards_own_page_is_refused(string header, string? value)
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, Allow);
        await host.WorkerAsync(static worker => worker.TryGetProperty("isReady", out _));
        (HttpStatusCode status, _) = await host.ActAsync(Drain(), request =>
        {
            request.Headers.Remove(header);
            if (value is not null)
            {
                request.Headers.Add(header, value);
            }
        });
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.DoesNotContain("isDraining", (await host.GetAsync("api/state")).GetRawText(), StringComparison.Ordinal);
    }

    /// <summary>A form of another page cannot send it: it has neither the header nor this content type.</summary>
    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    public async Task Only_json_is_an_action(string type)
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, Allow);
        (HttpStatusCode status, _) = await host.ActAsync(
            Drain(), request => request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse(type));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, status);
    }

    [Theory]
    [InlineData("ann", "", "The reason is missing.")]
    [InlineData("", "why", "Your name is missing.")]
    [InlineData("ann", "two\nlines", "control character")]
    [InlineData("ann\u0007", "why", "control character")]
    public async Task Who_and_why_must_be_said(string by, string reason, string problem)
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, Allow);
        (HttpStatusCode status, string answer) = await host.ActAsync(new { action = "drain", by, reason });
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(problem, answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_too_long_or_unknown_or_no_json_is_refused()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, Allow);
        Assert.Equal(HttpStatusCode.BadRequest, (await host.ActAsync(
            new { action = "drain", by = new string('x', 65), reason = "why" })).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await host.ActAsync(
            new { action = "drain", by = "ann", reason = new string('ä', 65) })).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await host.ActAsync(
            new { action = "explode", by = "ann", reason = "why" })).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await host.ActAsync(
            new { action = "drain", consumer = "nobody", by = "ann", reason = "why" })).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await host.ActAsync("text")).Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await host.ActAsync(
            new { action = "drain", by = "ann", reason = new string('x', 20_000) })).Status);
    }

    [Fact]
    public async Task Those_who_see_may_not_act_without_a_policy_that_says_so()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(
            Kinesis,
            Leases,
            static dashboard =>
            {
                Allow(dashboard);
                dashboard.AuthorizationPolicy = "viewers";
                dashboard.ActionsAuthorizationPolicy = "operators";
            },
            services: static services => Users.Add(services, "viewers", "viewer,ann", "operators", "ann"));
        object pause = new { action = "pause", shard = FirstShard, by = "somebody else", reason = "why" };
        Assert.Equal(HttpStatusCode.Forbidden, (await host.ActAsync(pause, static request => Users.SignIn(request, "viewer"))).Status);
        await Eventually.TrueAsync(() => Leases.Snapshot(DashboardHost.Application).Count == 2, static () => "There are no leases.");
        (HttpStatusCode status, string answer) = await host.ActAsync(pause, static request => Users.SignIn(request, "ann"));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("isDone", answer, StringComparison.Ordinal);
        // the name of who has signed in counts
        Assert.Equal("ann", OperatorNotes.ReadPause(Row(FirstShard).Paused)?.By);
    }

    [Fact]
    public async Task A_policy_of_viewers_alone_allows_no_action()
    {
        InvalidOperationException wrong = await Assert.ThrowsAsync<InvalidOperationException>(() => DashboardHost.StartAsync(
            Kinesis,
            Leases,
            static dashboard =>
            {
                Allow(dashboard);
                dashboard.AuthorizationPolicy = "viewers";
            },
            services: static services => Users.Add(services, "viewers", "viewer")));
        Assert.Contains("ActionsAuthorizationPolicy", wrong.Message, StringComparison.Ordinal);

        await using DashboardHost host = await DashboardHost.StartAsync(
            Kinesis,
            Leases,
            Allow,
            services: static services => Users.Add(services, "viewers", "viewer"),
            conventions: static mapped => mapped.RequireAuthorization("viewers"));
        (HttpStatusCode status, string answer) = await host.ActAsync(Drain(), static request => Users.SignIn(request, "viewer"));
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains("ActionsAuthorizationPolicy", answer, StringComparison.Ordinal);
    }

    private static void Allow(FastConsumerDashboardOptions dashboard) => dashboard.AllowActions = true;

    private static object Drain() => new { action = "drain", by = "ann", reason = "why" };

    private Lease Row(string shardId) => Leases.Snapshot(DashboardHost.Application).Single(row => row.LeaseKey == shardId);
}
