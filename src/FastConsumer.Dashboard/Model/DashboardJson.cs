using System.Text.Json.Serialization;

namespace FastConsumer.Dashboard.Model;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(DashboardState))]
[JsonSerializable(typeof(HistoryState))]
[JsonSerializable(typeof(SessionState))]
[JsonSerializable(typeof(SettingsState))]
[JsonSerializable(typeof(ActionRequest))]
[JsonSerializable(typeof(ActionAnswer))]
internal sealed partial class DashboardJson : JsonSerializerContext;
