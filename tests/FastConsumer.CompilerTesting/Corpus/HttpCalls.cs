// Each click goes to a web service.
using System.Net.Http;
using System.Net.Http.Json;
using FastConsumer;

namespace Corpus.HttpCalls;

[KinesisProcessor("clicks", JsonContext = typeof(CorpusJson))]
public sealed partial class ClickForwarder(HttpClient http)
{
    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(Click click, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await http.PostAsJsonAsync("/clicks", click, cancellationToken);
        response.EnsureSuccessStatusCode();
    }
}

[KinesisProcessor("clicks", JsonContext = typeof(CorpusJson))]
[OnError(typeof(HttpRequestException), ErrorAction.Retry, MaxAttempts = 5, Then = ErrorAction.Stop)]
public sealed partial class ClickForwarderWithPolicy(HttpClient http)
{
    [OnRecord]
    public async Task HandleAsync(Click click, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await http.PostAsJsonAsync("/clicks", click, cancellationToken);
        response.EnsureSuccessStatusCode();
    }
}

[KinesisProcessor("clicks", JsonContext = typeof(CorpusJson))]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5, Then = ErrorAction.DeadLetter)]
public sealed partial class HurriedForwarder(HttpClient http)
{
    [OnRecord]
    public async Task HandleAsync(Click click, CancellationToken cancellationToken)
    {
        string page = {|FC3001:{|FC3002:http.GetStringAsync(click.Page)|}.Result|};
        {|FC2003:http.PostAsJsonAsync("/pages", page, cancellationToken)|};
        await {|FC2007:{|FC3002:http.PostAsJsonAsync("/clicks", click)|}|};
    }
}
