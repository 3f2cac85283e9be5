// Writes aws-kinesis-agg.json anew: aggregates made by a library that is not ours.
//   npm install --no-save --ignore-scripts aws-kinesis-agg@4.2.8 && node record.js
// The keys of one aggregate must not look like small integers: the library keeps them as property names, which
// JavaScript sorts in front of the others.
'use strict';
const fs = require('fs');
const path = require('path');
const { RecordAggregator, deaggregateSync } = require('aws-kinesis-agg');
const { version, license, homepage } = require('aws-kinesis-agg/package.json');

const hashKey = (i) => (170141183460469231731687303715884105728n + 1000000007n * BigInt(i)).toString();
const bytes = (length, seed) => Buffer.from(Array.from({ length }, (_, i) => (i * 31 + seed * 17) & 255));

const cases = {
  'one record': [{ partitionKey: 'order-a', data: Buffer.from('{"id":1}') }],
  'one record with a hash key': [{ partitionKey: 'order-a', explicitHashKey: hashKey(1), data: Buffer.from('x') }],
  'no data': [{ partitionKey: 'order-a', data: Buffer.alloc(0) }, { partitionKey: 'order-b', data: Buffer.alloc(0) }],
  'shared keys, some explicit': Array.from({ length: 12 }, (_, i) => ({
    partitionKey: `key-${i % 3}`,
    ...(i % 2 ? { explicitHashKey: hashKey(i % 4) } : {}),
    data: bytes(i * 5, i),
  })),
  'more than ASCII': ['schlüssel', '鍵', '🔑', 'é'.repeat(128)].map((partitionKey, i) => ({ partitionKey, data: bytes(20, i) })),
  'three hundred keys': Array.from({ length: 300 }, (_, i) => ({ partitionKey: `k${i}`, explicitHashKey: hashKey(i), data: bytes(i % 7, i) })),
  'large records': Array.from({ length: 3 }, (_, i) => ({ partitionKey: `large-${i}`, data: bytes(5000, i) })),
};

const aggregates = Object.entries(cases).map(([name, records]) => {
  const aggregator = new RecordAggregator();
  records.forEach((record) => aggregator.addUserRecord(record));
  const { data } = aggregator.build();
  deaggregateSync({ kinesisSchemaVersion: '1.0', data: data.toString('base64'), sequenceNumber: '1' }, true, (error, read) => {
    if (error || read.length !== records.length) throw error ?? new Error(`${name}: ${read.length} of ${records.length} records read back`);
  });
  return {
    name,
    records: records.map((record) => ({ ...record, data: record.data.toString('base64') })),
    aggregate: data.toString('base64'),
  };
});

const source = { package: 'aws-kinesis-agg', version, license, homepage, madeBy: path.basename(__filename) };
fs.writeFileSync(path.join(__dirname, 'aws-kinesis-agg.json'), JSON.stringify({ source, aggregates }, null, 1) + '\n');
