// Drives an EmbeddedKinesis with the AWS SDK for JavaScript and prints what it saw as one line of JSON.
// usage: node drive.mjs <packages folder> <endpoint> <default|http1>
// "default" is what the SDK's Kinesis client uses by itself: HTTP/2.
import { createRequire } from "node:module";

const [, , packages, endpoint, handler] = process.argv;
const require = createRequire(`${packages}/`);
const {
  CreateStreamCommand,
  DeregisterStreamConsumerCommand,
  DescribeStreamConsumerCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  ListStreamsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand,
  waitUntilStreamExists,
} = require("@aws-sdk/client-kinesis");
const { NodeHttpHandler } = require("@smithy/node-http-handler");

const kinesis = new KinesisClient({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" },
  maxAttempts: 1,
  ...(handler === "http1" ? { requestHandler: new NodeHttpHandler() } : {}),
});

const StreamName = `from-node-${handler}`;
const seen = { handler: kinesis.config.requestHandler.constructor.name };

await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: 2 }));
await waitUntilStreamExists({ client: kinesis, minDelay: 1, maxWaitTime: 60 }, { StreamName });
const summary = (await kinesis.send(new DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary;
seen.status = summary.StreamStatus;
seen.mode = summary.StreamModeDetails.StreamMode;
seen.openShards = summary.OpenShardCount;
seen.created = summary.StreamCreationTimestamp.toISOString();
seen.streams = (await kinesis.send(new ListStreamsCommand({}))).StreamNames;

const one = await kinesis.send(new PutRecordCommand({ StreamName, PartitionKey: "ключ", Data: new Uint8Array([0, 255, 128]) }));
seen.putShard = one.ShardId;
seen.putSequenceNumber = one.SequenceNumber;
const many = await kinesis.send(new PutRecordsCommand({
  StreamARN: summary.StreamARN,
  Records: Array.from({ length: 20 }, (_, i) => ({ PartitionKey: `key-${i}`, Data: Buffer.from(`record ${i}`) })),
}));
seen.failed = many.FailedRecordCount;
seen.placed = many.Records.length;

// One shard a page, so that tokens are used; a token goes without the stream's name.
const listShards = async () => {
  const shards = [];
  let page = { StreamName };
  do {
    const answer = await kinesis.send(new ListShardsCommand({ ...page, MaxResults: 1 }));
    shards.push(...answer.Shards);
    page = { NextToken: answer.NextToken };
  } while (page.NextToken);
  return shards;
};

let shards = await listShards();
const [first, second] = shards;
const middle = (BigInt(first.HashKeyRange.StartingHashKey) + BigInt(first.HashKeyRange.EndingHashKey)) / 2n;
await kinesis.send(new SplitShardCommand({ StreamName, ShardToSplit: first.ShardId, NewStartingHashKey: middle.toString() }));
await kinesis.send(new MergeShardsCommand({ StreamName, ShardToMerge: "shardId-000000000003", AdjacentShardToMerge: second.ShardId }));
await kinesis.send(new PutRecordCommand({ StreamName, PartitionKey: "after", Data: Buffer.from("after the reshard") }));

shards = await listShards();
seen.shards = shards.map((shard) => ({
  id: shard.ShardId,
  parents: [shard.ParentShardId, shard.AdjacentParentShardId].filter(Boolean),
  open: !shard.SequenceNumberRange.EndingSequenceNumber,
}));

seen.records = [];
seen.ends = {};
for (const { ShardId } of shards) {
  let { ShardIterator } = await kinesis.send(new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" }));
  while (ShardIterator) {
    const answer = await kinesis.send(new GetRecordsCommand({ ShardIterator, Limit: 7 }));
    for (const record of answer.Records) {
      seen.records.push({
        shard: ShardId,
        key: record.PartitionKey,
        data: Buffer.from(record.Data).toString("hex"),
        arrived: record.ApproximateArrivalTimestamp.toISOString(),
      });
    }

    ShardIterator = answer.NextShardIterator;
    if (!ShardIterator) seen.ends[ShardId] = answer.ChildShards.map((child) => child.ShardId);
    if (answer.MillisBehindLatest === 0) break;
  }
}

const registered = await kinesis.send(new RegisterStreamConsumerCommand({ StreamARN: summary.StreamARN, ConsumerName: "fan-out" }));
seen.consumerArn = registered.Consumer.ConsumerARN;
const { ConsumerARN } = registered.Consumer;
seen.consumerStatus = (await kinesis.send(new DescribeStreamConsumerCommand({ ConsumerARN }))).ConsumerDescription.ConsumerStatus;
await kinesis.send(new DeregisterStreamConsumerCommand({ ConsumerARN }));

const refusal = await kinesis.send(new GetRecordsCommand({ ShardIterator: "garbage" })).catch((error) => error);
seen.refusal = { name: refusal.name, status: refusal.$metadata.httpStatusCode, requestId: Boolean(refusal.$metadata.requestId) };

kinesis.destroy();
console.log(JSON.stringify(seen));
