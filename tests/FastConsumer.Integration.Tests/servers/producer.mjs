// A producer on the AWS SDK for JavaScript. It reads one JSON command a line from standard input and answers each
// with one JSON line, matched by id: node producer.mjs <folder with node_modules> <service URL>
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const [packages, serviceUrl] = process.argv.slice(2);
const require = createRequire(join(packages, 'package.json'));
const sdk = require('@aws-sdk/client-kinesis');
const { NodeHttpHandler } = require('@smithy/node-http-handler');

const client = new sdk.KinesisClient({
  endpoint: serviceUrl,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  // The client's own default is HTTP/2, which no cleartext port of a local server speaks beside HTTP/1.1.
  requestHandler: new NodeHttpHandler(),
});

const MAX_ENTRIES = 500;
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_ATTEMPTS = 50;
const POLL_MS = 20;
const PATIENCE_MS = 60_000;

async function until(what, probe) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const result = await probe();
    if (result !== undefined) return result;
    if (Date.now() > deadline) throw new Error(`Waited ${PATIENCE_MS} ms in vain until ${what}`);
    await sleep(POLL_MS);
  }
}

const active = (stream) =>
  until(`stream ${stream} is ACTIVE`, async () => {
    const { StreamDescriptionSummary: summary } = await client.send(new sdk.DescribeStreamSummaryCommand({ StreamName: stream }));
    return summary.StreamStatus === 'ACTIVE' ? true : undefined;
  });

async function shards(stream) {
  const found = [];
  let token;
  do {
    const page = await client.send(new sdk.ListShardsCommand(token ? { NextToken: token } : { StreamName: stream }));
    found.push(...page.Shards);
    token = page.NextToken;
  } while (token);
  return found.map((shard) => ({
    shardId: shard.ShardId,
    parentShardId: shard.ParentShardId,
    adjacentParentShardId: shard.AdjacentParentShardId,
    startingHashKey: shard.HashKeyRange.StartingHashKey,
    endingHashKey: shard.HashKeyRange.EndingHashKey,
    startingSequenceNumber: shard.SequenceNumberRange.StartingSequenceNumber,
    endingSequenceNumber: shard.SequenceNumberRange.EndingSequenceNumber,
  }));
}

// A reshard is over when the children are listed and the stream is ACTIVE again.
async function children(stream, parentId, count) {
  const found = await until(`shard ${parentId} of ${stream} has ${count} child(ren)`, async () => {
    const listed = (await shards(stream)).filter((shard) => shard.parentShardId === parentId || shard.adjacentParentShardId === parentId);
    return listed.length === count ? listed : undefined;
  });
  await active(stream);
  return found;
}

function* chunks(entries) {
  let chunk = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = entry.Data.length + Buffer.byteLength(entry.PartitionKey);
    if (chunk.length === MAX_ENTRIES || (chunk.length > 0 && bytes + size > MAX_BYTES)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(entry);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}

async function put(stream, entries) {
  const results = new Array(entries.length);
  let waiting = entries.map((_, index) => index);
  for (let attempt = 1; ; attempt++) {
    const answer = await client.send(new sdk.PutRecordsCommand({ StreamName: stream, Records: waiting.map((index) => entries[index]) }));
    const failed = [];
    let error;
    answer.Records.forEach((record, position) => {
      if (record.ErrorCode) {
        failed.push(waiting[position]);
        error = `${record.ErrorCode}: ${record.ErrorMessage}`;
      } else {
        results[waiting[position]] = { shardId: record.ShardId, sequenceNumber: record.SequenceNumber };
      }
    });
    if (failed.length === 0) return results;
    if (attempt === MAX_ATTEMPTS) throw new Error(`${failed.length} records failed ${attempt} times, the last with ${error}`);
    waiting = failed;
    await sleep(Math.min(1000, 10 * 2 ** attempt));
  }
}

const commands = {
  async createStream({ stream, shardCount }) {
    await client.send(new sdk.CreateStreamCommand({ StreamName: stream, ShardCount: shardCount }));
    await active(stream);
  },
  async putRecords({ stream, records }) {
    const entries = records.map(({ key, data, explicitHashKey }) => ({
      PartitionKey: key,
      Data: Buffer.from(data, 'base64'),
      ...(explicitHashKey ? { ExplicitHashKey: explicitHashKey } : {}),
    }));
    const results = [];
    for (const chunk of chunks(entries)) results.push(...(await put(stream, chunk)));
    return results;
  },
  async splitShard({ stream, shardId, newStartingHashKey }) {
    let start = newStartingHashKey;
    if (!start) {
      const shard = (await shards(stream)).find((candidate) => candidate.shardId === shardId);
      if (!shard) throw new Error(`Stream ${stream} has no shard ${shardId}`);
      start = ((BigInt(shard.startingHashKey) + BigInt(shard.endingHashKey)) / 2n + 1n).toString();
    }
    await client.send(new sdk.SplitShardCommand({ StreamName: stream, ShardToSplit: shardId, NewStartingHashKey: start }));
    return await children(stream, shardId, 2);
  },
  async mergeShards({ stream, shardId, adjacentShardId }) {
    await client.send(new sdk.MergeShardsCommand({ StreamName: stream, ShardToMerge: shardId, AdjacentShardToMerge: adjacentShardId }));
    return await children(stream, shardId, 1);
  },
  listShards: ({ stream }) => shards(stream),
  async deleteStream({ stream }) {
    await client.send(new sdk.DeleteStreamCommand({ StreamName: stream, EnforceConsumerDeletion: true }));
    await until(`stream ${stream} is gone`, async () => {
      try {
        await client.send(new sdk.DescribeStreamSummaryCommand({ StreamName: stream }));
        return undefined;
      } catch (error) {
        if (error.name === 'ResourceNotFoundException') return true;
        throw error;
      }
    });
  },
};

// Standard output is for answers alone.
console.log = console.error;
const answer = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

async function run(line) {
  const { id, command, ...parameters } = JSON.parse(line);
  try {
    answer({ id, result: (await commands[command](parameters)) ?? null });
  } catch (error) {
    answer({ id, error: `${error.name}: ${error.message}` });
  }
}

// Standard input closes when the test host ends, however it ends.
createInterface({ input: process.stdin, crlfDelay: Infinity }).on('line', run).on('close', () => process.exit());
answer({ id: 0, result: null });
