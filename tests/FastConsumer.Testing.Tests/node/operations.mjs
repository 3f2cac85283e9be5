// Calls every operation of the AWS SDK for JavaScript's Kinesis client against an EmbeddedKinesis and checks the answers.
// Prints, as one line of JSON, which operations the SDK has, which were called, and which were refused with what message.
// usage: node operations.mjs <packages folder> <endpoint> <account>
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [, , packages, endpoint, account] = process.argv;
const require = createRequire(`${packages}/`);
const sdk = require("@aws-sdk/client-kinesis");

const kinesis = new sdk.KinesisClient({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" },
  maxAttempts: 1,
});
const called = new Set();
const refused = {};

const call = (operation, input = {}) => {
  called.add(operation);
  return kinesis.send(new sdk[`${operation}Command`](input));
};

const refuse = async (operation, input, name) => {
  const error = await call(operation, input).then(() => assert.fail(`${operation} was not refused`), (reason) => reason);
  assert.equal(error.name, name, `${operation}: ${error.message}`);
  return error.message;
};

const sorted = (tags) => tags.map((tag) => `${tag.Key}=${tag.Value}`).join(" ");
const bytes = (text) => Buffer.from(text);

const StreamName = "every-operation";
const StreamARN = `arn:aws:kinesis:us-east-1:${account}:stream/${StreamName}`;
const summary = async (name = StreamName) =>
  (await call("DescribeStreamSummary", { StreamName: name })).StreamDescriptionSummary;

// streams
await call("CreateStream", { StreamName, ShardCount: 2, Tags: { team: "orders" }, MaxRecordSizeInKiB: 2048 });
assert.deepEqual((await call("ListStreams")).StreamNames, [StreamName]);
let described = await summary();
assert.equal(described.StreamARN, StreamARN);
assert.equal(described.StreamStatus, "ACTIVE");
assert.equal(described.MaxRecordSizeInKiB, 2048);
assert.equal(described.EncryptionType, "NONE");
assert.equal(described.WarmThroughput, undefined);
assert.equal(described.RecordDistributionStrategy, undefined);
assert.equal((await call("DescribeStream", { StreamName })).StreamDescription.Shards.length, 2);
assert.deepEqual(
  (({ ShardLimit, OpenShardCount, OnDemandStreamCount, OnDemandStreamCountLimit }) =>
    ({ ShardLimit, OpenShardCount, OnDemandStreamCount, OnDemandStreamCountLimit }))(await call("DescribeLimits")),
  { ShardLimit: 20000, OpenShardCount: 2, OnDemandStreamCount: 0, OnDemandStreamCountLimit: 50 });

// records
const put = await call("PutRecord", { StreamARN, PartitionKey: "a", Data: bytes("plain") });
assert.equal(put.EncryptionType, undefined);
await call("StartStreamEncryption", { StreamARN, EncryptionType: "KMS", KeyId: "alias/aws/kinesis" });
described = await summary();
assert.equal(described.EncryptionType, "KMS");
assert.equal(described.KeyId, "alias/aws/kinesis");
const many = await call("PutRecords", { StreamARN, Records: [{ PartitionKey: "a", Data: bytes("encrypted") }] });
assert.equal(many.FailedRecordCount, 0);
assert.equal(many.EncryptionType, "KMS");
assert.equal((await call("PutRecord", { StreamARN, PartitionKey: "a", Data: bytes("encrypted") })).EncryptionType, "KMS");
const { ShardIterator } =
  await call("GetShardIterator", { StreamARN, ShardId: put.ShardId, ShardIteratorType: "TRIM_HORIZON" });
const { Records } = await call("GetRecords", { ShardIterator });
assert.deepEqual(Records.map((record) => record.EncryptionType), [undefined, "KMS", "KMS"]);
await call("StopStreamEncryption", { StreamARN, EncryptionType: "KMS", KeyId: "alias/aws/kinesis" });
assert.equal((await summary()).KeyId, undefined);
await refuse("PutRecord", { StreamARN, PartitionKey: "a", Data: bytes("dry"), DryRun: true }, "DryRunOperationException");
await refuse("GetRecords", { ShardIterator, DryRun: true }, "DryRunOperationException");

// shards
const [first, second] = (await call("ListShards", { StreamARN })).Shards;
const middle = (BigInt(first.HashKeyRange.StartingHashKey) + BigInt(first.HashKeyRange.EndingHashKey)) / 2n;
await call("SplitShard", { StreamARN, ShardToSplit: first.ShardId, NewStartingHashKey: middle.toString() });
await call("MergeShards", { StreamARN, ShardToMerge: "shardId-000000000003", AdjacentShardToMerge: second.ShardId });
const scaled = await call("UpdateShardCount", { StreamARN, TargetShardCount: 4, ScalingType: "UNIFORM_SCALING" });
assert.equal(scaled.StreamName, StreamName);
assert.equal(scaled.StreamARN, StreamARN);
assert.equal(scaled.CurrentShardCount, 2);
assert.equal(scaled.TargetShardCount, 4);
assert.equal((await summary()).OpenShardCount, 4);
await refuse("UpdateShardCount", { StreamARN, TargetShardCount: 9, ScalingType: "UNIFORM_SCALING" }, "LimitExceededException");

// consumers
const { Consumer } = await call("RegisterStreamConsumer", { StreamARN, ConsumerName: "fan-out", Tags: { kind: "fan-out" } });
const { ConsumerARN } = Consumer;
assert.equal((await call("DescribeStreamConsumer", { ConsumerARN })).ConsumerDescription.ConsumerStatus, "ACTIVE");
assert.equal((await call("ListStreamConsumers", { StreamARN })).Consumers.length, 1);
const { EventStream } = await call("SubscribeToShard", {
  ConsumerARN, ShardId: put.ShardId, StartingPosition: { Type: "TRIM_HORIZON" } });
for await (const event of EventStream) {
  const seen = event.SubscribeToShardEvent.Records.map((record) => Buffer.from(record.Data).toString());
  assert.deepEqual(seen, ["plain", "encrypted", "encrypted"]);
  break;
}

// tags
await call("AddTagsToStream", { StreamName, Tags: { stage: "test", team: "billing" } });
const tags = await call("ListTagsForStream", { StreamName, Limit: 1 });
assert.equal(sorted(tags.Tags), "stage=test");
assert.equal(tags.HasMoreTags, true);
const rest = await call("ListTagsForStream", { StreamName, ExclusiveStartTagKey: "stage" });
assert.equal(sorted(rest.Tags), "team=billing");
assert.equal(rest.HasMoreTags, false);
await call("RemoveTagsFromStream", { StreamName, TagKeys: ["stage", "unknown"] });
await call("TagResource", { ResourceARN: StreamARN, Tags: { stage: "prod" } });
assert.equal(sorted((await call("ListTagsForResource", { ResourceARN: StreamARN })).Tags), "stage=prod team=billing");
await call("TagResource", { ResourceARN: ConsumerARN, Tags: { owner: "me" } });
await call("UntagResource", { ResourceARN: ConsumerARN, TagKeys: ["kind"] });
assert.equal(sorted((await call("ListTagsForResource", { ResourceARN: ConsumerARN })).Tags), "owner=me");

// policies
const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [] });
await call("PutResourcePolicy", { ResourceARN: ConsumerARN, Policy });
assert.equal((await call("GetResourcePolicy", { ResourceARN: ConsumerARN })).Policy, Policy);
await call("DeleteResourcePolicy", { ResourceARN: ConsumerARN });
await refuse("GetResourcePolicy", { ResourceARN: ConsumerARN }, "ResourceNotFoundException");

// settings
await call("IncreaseStreamRetentionPeriod", { StreamARN, RetentionPeriodHours: 48 });
assert.equal((await summary()).RetentionPeriodHours, 48);
await call("DecreaseStreamRetentionPeriod", { StreamARN, RetentionPeriodHours: 24 });
assert.equal((await summary()).RetentionPeriodHours, 24);
const monitored = await call("EnableEnhancedMonitoring", { StreamARN, ShardLevelMetrics: ["OutgoingBytes", "IncomingBytes"] });
assert.deepEqual(monitored.CurrentShardLevelMetrics, []);
assert.deepEqual(monitored.DesiredShardLevelMetrics, ["IncomingBytes", "OutgoingBytes"]);
assert.deepEqual((await summary()).EnhancedMonitoring, [{ ShardLevelMetrics: ["IncomingBytes", "OutgoingBytes"] }]);
const unmonitored = await call("DisableEnhancedMonitoring", { StreamARN, ShardLevelMetrics: ["OutgoingBytes"] });
assert.deepEqual(unmonitored.DesiredShardLevelMetrics, ["IncomingBytes"]);
await call("UpdateMaxRecordSize", { StreamARN, MaxRecordSizeInKiB: 10240 });
assert.equal((await summary()).MaxRecordSizeInKiB, 10240);

// on-demand, and the account
assert.equal((await call("DescribeAccountSettings")).MinimumThroughputBillingCommitment.Status, "DISABLED");
await call("UpdateStreamMode", { StreamARN, StreamModeDetails: { StreamMode: "ON_DEMAND" } });
described = await summary();
assert.equal(described.StreamModeDetails.StreamMode, "ON_DEMAND");
assert.equal(described.RecordDistributionStrategy, "USER_PARTITION_KEY");
await refuse("UpdateStreamWarmThroughput", { StreamARN, WarmThroughputMiBps: 6 }, "InvalidArgumentException");
const { MinimumThroughputBillingCommitment: commitment } =
  await call("UpdateAccountSettings", { MinimumThroughputBillingCommitment: { Status: "ENABLED" } });
assert.equal(commitment.Status, "ENABLED");
assert.equal(commitment.EarliestAllowedEndAt - commitment.StartedAt, 24 * 3600 * 1000);
const warm = await call("UpdateStreamWarmThroughput", { StreamARN, WarmThroughputMiBps: 6 });
assert.deepEqual(warm.WarmThroughput, { TargetMiBps: 6, CurrentMiBps: 4 });
described = await summary();
assert.deepEqual(described.WarmThroughput, { TargetMiBps: 6, CurrentMiBps: 6 });
assert.equal(described.OpenShardCount, 6);
await call("UpdateStreamRecordDistributionStrategy", { StreamARN, RecordDistributionStrategy: "AUTO" });
assert.equal((await summary()).RecordDistributionStrategy, "AUTO");
const spread = await call("PutRecords", { StreamARN, Records: Array.from({ length: 6 }, () => ({ Data: bytes("no key") })) });
assert.equal(new Set(spread.Records.map((record) => record.ShardId)).size, 6);
const { ShardIterator: spreadIterator } = await call("GetShardIterator", {
  StreamARN, ShardId: spread.Records[0].ShardId, ShardIteratorType: "TRIM_HORIZON" });
assert.deepEqual((await call("GetRecords", { ShardIterator: spreadIterator })).Records.map((record) => record.PartitionKey), [undefined]);

// what this server has not
const s3 = {
  DataFreshnessInSeconds: 60,
  DeadLetterQueueS3Configuration: { BucketARN: "arn:aws:s3:::b", ExpectedBucketOwner: account },
  StorageConfiguration: { BucketARN: "arn:aws:s3:::b", ExpectedBucketOwner: account, CompressionType: "NONE" },
};
const channel = `arn:aws:kinesis:us-east-1:${account}:channel/c`;
for (const [operation, input] of Object.entries({
  CreateChannel: { ChannelName: "c", StreamARN, S3DestinationConfiguration: s3 },
  DescribeChannel: { ChannelARN: channel },
  ListChannels: {},
  UpdateChannel: { ChannelARN: channel },
  DeleteChannel: { ChannelARN: channel },
})) {
  refused[operation] = await refuse(operation, input, "UnknownOperationException");
}

// the end
await refuse("DeleteStream", { StreamARN }, "ResourceInUseException");
await call("DeregisterStreamConsumer", { ConsumerARN });
await call("DeleteStream", { StreamARN });
await refuse("DescribeStreamSummary", { StreamARN }, "ResourceNotFoundException");

kinesis.destroy();
const operations = Object.keys(sdk).filter((name) => /^[A-Z]\w+Command$/.test(name)).map((name) => name.slice(0, -"Command".length));
console.log(JSON.stringify({ operations, called: [...called], refused }));
