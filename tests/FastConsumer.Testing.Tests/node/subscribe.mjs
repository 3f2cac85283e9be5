// Reads from an EmbeddedKinesis by enhanced fan-out, with the AWS SDK for JavaScript over its default HTTP/2 handler, and
// prints what it saw as one line of JSON.
// usage: node subscribe.mjs <packages folder> <endpoint>
import { createRequire } from "node:module";

const [, , packages, endpoint] = process.argv;
const require = createRequire(`${packages}/`);
const {
  CreateStreamCommand,
  DescribeStreamConsumerCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  PutRecordCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand,
  SubscribeToShardCommand,
} = require("@aws-sdk/client-kinesis");
const { NodeHttpHandler } = require("@smithy/node-http-handler");

const settings = {
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" },
  maxAttempts: 1,
};
const kinesis = new KinesisClient(settings);
const StreamName = "pushed";
const ShardId = "shardId-000000000000";
const seen = { handler: kinesis.config.requestHandler.constructor.name, records: [], continuations: [] };

await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
const { StreamARN } = (await kinesis.send(new DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary;
const { ConsumerARN } = (await kinesis.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: "node" }))).Consumer;
seen.status = (await kinesis.send(new DescribeStreamConsumerCommand({ ConsumerARN }))).ConsumerDescription.ConsumerStatus;
const put = (text) => kinesis.send(new PutRecordCommand({ StreamName, PartitionKey: "ключ", Data: Buffer.from(text) }));

await put("one");
const first = await put("two");
const subscription = await kinesis.send(new SubscribeToShardCommand({ ConsumerARN, ShardId, StartingPosition: { Type: "TRIM_HORIZON" } }));
for await (const { SubscribeToShardEvent: event } of subscription.EventStream) {
  for (const record of event.Records) {
    seen.records.push({
      key: record.PartitionKey,
      data: Buffer.from(record.Data).toString("utf8"),
      arrived: record.ApproximateArrivalTimestamp.toISOString(),
    });
  }

  if (seen.records.length === 2 && !seen.hasPutMore) {
    seen.hasPutMore = true;
    await put("three");
    await kinesis.send(new SplitShardCommand({ StreamName, ShardToSplit: ShardId, NewStartingHashKey: (1n << 127n).toString() }));
  }

  if (!event.ContinuationSequenceNumber) {
    seen.children = event.ChildShards.map((child) => child.ShardId);
    seen.behind = event.MillisBehindLatest;
    break;
  }

  seen.continuations.push(event.ContinuationSequenceNumber);
}

seen.continues = seen.continuations.includes(first.SequenceNumber);
const refusal = async (client, position) => {
  try {
    await client.send(new SubscribeToShardCommand({ ConsumerARN, ShardId, StartingPosition: position }));
    return "none";
  } catch (error) {
    return error.name;
  }
};

seen.again = await refusal(kinesis, { Type: "LATEST" });
const http1 = new KinesisClient({ ...settings, requestHandler: new NodeHttpHandler() });
seen.http1 = await refusal(http1, { Type: "LATEST" });
http1.destroy();
kinesis.destroy();
console.log(JSON.stringify(seen));
