// Drives an EmbeddedS3 with the AWS SDK for JavaScript, checks the answers, and prints what it saw as one line of JSON.
// usage: node s3.mjs <packages folder> <endpoint>
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [, , packages, endpoint] = process.argv;
const require = createRequire(`${packages}/`);
const sdk = require("@aws-sdk/client-s3");

const s3 = new sdk.S3Client({
  endpoint,
  region: "us-east-1",
  forcePathStyle: true,
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" },
  maxAttempts: 1,
});
const called = new Set();
const call = (operation, input = {}) => {
  called.add(operation);
  return s3.send(new sdk[`${operation}Command`](input));
};
const refuse = async (operation, input, name, status) => {
  const error = await call(operation, input).then(() => assert.fail(`${operation} was not refused`), (reason) => reason);
  assert.equal(error.name, name, `${operation}: ${error.name} ${error.message}`);
  assert.equal(error.$metadata.httpStatusCode, status, operation);
  return error.message;
};
const text = async (answer) => answer.Body.transformToString();

const Bucket = "from-node";
await call("CreateBucket", { Bucket });
await refuse("CreateBucket", { Bucket }, "BucketAlreadyOwnedByYou", 409);
await refuse("CreateBucket", { Bucket: "No_Bucket" }, "InvalidBucketName", 400);
await call("CreateBucket", { Bucket: "far-away", CreateBucketConfiguration: { LocationConstraint: "eu-central-1" } });
assert.deepEqual((await call("ListBuckets")).Buckets.map((bucket) => [bucket.Name, bucket.BucketRegion]),
  [["far-away", "eu-central-1"], [Bucket, "us-east-1"]]);
assert.equal((await call("HeadBucket", { Bucket })).BucketRegion, "us-east-1");
await refuse("HeadBucket", { Bucket: "absent" }, "NotFound", 404);
assert.equal((await call("GetBucketLocation", { Bucket: "far-away" })).LocationConstraint, "eu-central-1");
await refuse("PutObject", { Bucket: "far-away", Key: "a", Body: "a" }, "AuthorizationHeaderMalformed", 400);

// objects: names that need escapes, metadata, every checksum, conditions
const Key = "folder/ключ +&=?%2F#1.bin";
const put = await call("PutObject", { Bucket, Key, Body: "hello", IfNoneMatch: "*", ContentType: "text/plain", Metadata: { owner: "me" } });
assert.equal(put.ETag, '"5d41402abc4b2a76b9719d911017c592"');
await refuse("PutObject", { Bucket, Key, Body: "other", IfNoneMatch: "*" }, "PreconditionFailed", 412);
const whole = await call("GetObject", { Bucket, Key, ChecksumMode: "ENABLED" });
assert.equal(await text(whole), "hello");
assert.equal(whole.ContentType, "text/plain");
assert.equal(whole.Metadata.owner, "me");
assert.equal(whole.ChecksumCRC32, "NhCmhg==");
const range = await call("GetObject", { Bucket, Key, Range: "bytes=1-3" });
assert.equal(await text(range), "ell");
assert.equal(range.ContentRange, "bytes 1-3/5");
assert.equal(await text(await call("GetObject", { Bucket, Key, Range: "bytes=-2" })), "lo");
assert.equal(await text(await call("GetObject", { Bucket, Key, Range: "bytes=3-" })), "lo");
await refuse("GetObject", { Bucket, Key, Range: "bytes=5-" }, "InvalidRange", 416);
await refuse("GetObject", { Bucket, Key: "absent" }, "NoSuchKey", 404);
await refuse("HeadObject", { Bucket, Key: "absent" }, "NotFound", 404);
const head = await call("HeadObject", { Bucket, Key, ChecksumMode: "ENABLED" });
assert.equal(head.ContentLength, 5);
assert.equal(head.ChecksumType, "FULL_OBJECT");
await refuse("PutObject", { Bucket, Key, Body: "x", ChecksumSHA256: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }, "BadDigest", 400);
// of "hello", from other programs
const known = {
  CRC32: "NhCmhg==",
  CRC32C: "mnG7TA==",
  SHA1: "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
  SHA256: "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
};
const crc64 = await call("PutObject", { Bucket, Key: "sums/CRC64NVME", Body: "hello", ChecksumAlgorithm: "CRC64NVME" });
assert.equal(crc64.ChecksumType, "FULL_OBJECT");
for (const [algorithm, value] of Object.entries(known)) {
  const answer = await call("PutObject", { Bucket, Key: `sums/${algorithm}`, Body: "hello", ChecksumAlgorithm: algorithm });
  assert.equal(answer[`Checksum${algorithm}`], value, algorithm);
  assert.equal(await text(await call("GetObject", { Bucket, Key: `sums/${algorithm}`, ChecksumMode: "ENABLED" })), "hello");
}

// a stream of unknown chunks goes in frames, with its checksum in a trailer
const { Readable } = require("node:stream");
const chunks = Readable.from([Buffer.alloc(70000, 1), Buffer.alloc(3, 2)]);
await call("PutObject", { Bucket, Key: "streamed", Body: chunks, ContentLength: 70003 });
assert.equal((await call("HeadObject", { Bucket, Key: "streamed" })).ContentLength, 70003);

// listings
for (let i = 0; i < 12; i++) await call("PutObject", { Bucket, Key: `list/${i % 3}/${i}`, Body: "x".repeat(i) });
const list = async (input) => {
  const keys = [], prefixes = [];
  let pages = 0, ContinuationToken;
  do {
    const page = await call("ListObjectsV2", { Bucket, ContinuationToken, ...input });
    keys.push(...(page.Contents ?? []).map((one) => one.Key));
    prefixes.push(...(page.CommonPrefixes ?? []).map((one) => one.Prefix));
    ContinuationToken = page.NextContinuationToken;
    assert.equal(page.IsTruncated, Boolean(ContinuationToken));
    pages++;
  } while (ContinuationToken);
  return { keys, prefixes, pages };
};
assert.equal((await list({ Prefix: "list/" })).keys.length, 12);
assert.deepEqual(
  await list({ Prefix: "list/0", MaxKeys: 2 }),
  { keys: ["list/0/0", "list/0/3", "list/0/6", "list/0/9"], prefixes: [], pages: 2 });
assert.deepEqual(
  await list({ Prefix: "list/", Delimiter: "/", MaxKeys: 1 }),
  { keys: [], prefixes: ["list/0/", "list/1/", "list/2/"], pages: 3 });
assert.deepEqual((await list({ Delimiter: "/" })).prefixes, ["folder/", "list/", "sums/"]);
assert.deepEqual((await list({ Delimiter: "/" })).keys, ["streamed"]);
assert.deepEqual((await list({ Prefix: "list/2/", StartAfter: "list/2/5" })).keys, ["list/2/8"]);
assert.deepEqual((await list({ Prefix: "folder/", EncodingType: "url" })).keys.length, 1);
assert.deepEqual((await list({ Prefix: "folder/" })).keys, [Key]);
await refuse("ListObjectsV2", { Bucket, ContinuationToken: "garbage" }, "InvalidArgument", 400);

// uploads in parts
const MiB = 1024 * 1024;
const begin = async (input = {}) => (await call("CreateMultipartUpload", { Bucket, Key: "large", ...input })).UploadId;
const parts = async (UploadId, sizes, ChecksumAlgorithm) => {
  const done = [];
  for (const [i, size] of sizes.entries()) {
    const Body = Buffer.alloc(size, i);
    const part = await call("UploadPart", { Bucket, Key: "large", UploadId, PartNumber: i + 1, Body, ChecksumAlgorithm });
    done.push({ PartNumber: i + 1, ETag: part.ETag, [`Checksum${ChecksumAlgorithm}`]: part[`Checksum${ChecksumAlgorithm}`] });
  }
  return done;
};
let UploadId = await begin({ ChecksumAlgorithm: "SHA256" });
let done = await parts(UploadId, [5 * MiB, 5 * MiB, 1], "SHA256");
const firstParts = await call("ListParts", { Bucket, Key: "large", UploadId, MaxParts: 2 });
assert.deepEqual(firstParts.Parts.map((part) => part.Size), [5 * MiB, 5 * MiB]);
assert.deepEqual([firstParts.IsTruncated, firstParts.NextPartNumberMarker], [true, "2"]);
assert.deepEqual((await call("ListMultipartUploads", { Bucket })).Uploads.map((upload) => upload.UploadId), [UploadId]);
const complete = (Parts, input = {}) => ({ Bucket, Key: "large", UploadId, MultipartUpload: { Parts }, ...input });
await refuse("CompleteMultipartUpload", complete([done[1], done[0], done[2]]), "InvalidPartOrder", 400);
await refuse("CompleteMultipartUpload", complete([{ PartNumber: 9, ETag: done[0].ETag }]), "InvalidPart", 400);
await refuse("CompleteMultipartUpload", complete([]), "MalformedXML", 400);
const completed = await call("CompleteMultipartUpload", complete(done, { IfNoneMatch: "*" }));
assert.match(completed.ETag, /^"[0-9a-f]{32}-3"$/);
assert.match(completed.ChecksumSHA256, /-3$/);
assert.equal(completed.ChecksumType, "COMPOSITE");
await refuse("CompleteMultipartUpload", complete(done), "NoSuchUpload", 404);
const large = Buffer.from(await (await call("GetObject", { Bucket, Key: "large" })).Body.transformToByteArray());
assert.equal(large.length, 10 * MiB + 1);
assert.deepEqual([large[0], large[5 * MiB], large[10 * MiB]], [0, 1, 2]);
UploadId = await begin({ ChecksumAlgorithm: "CRC64NVME", ChecksumType: "FULL_OBJECT" });
done = await parts(UploadId, [5 * MiB, 1], "CRC64NVME");
await refuse("CompleteMultipartUpload", complete(done, { IfNoneMatch: "*" }), "PreconditionFailed", 412);
const whole64 = await call("CompleteMultipartUpload", complete(done));
assert.equal(whole64.ChecksumType, "FULL_OBJECT");
const checked = await call("GetObject", { Bucket, Key: "large", ChecksumMode: "ENABLED" });
assert.equal((await checked.Body.transformToByteArray()).length, 5 * MiB + 1);
UploadId = await begin();
await call("AbortMultipartUpload", { Bucket, Key: "large", UploadId });
await refuse("AbortMultipartUpload", { Bucket, Key: "large", UploadId }, "NoSuchUpload", 404);
UploadId = await begin();
done = await parts(UploadId, [1, 1], "CRC32").catch((error) => error.name);
assert.equal(done, "InvalidRequest");
await call("AbortMultipartUpload", { Bucket, Key: "large", UploadId });
UploadId = await begin({ ChecksumAlgorithm: "CRC32" });
done = await parts(UploadId, [1, 1], "CRC32");
await refuse("CompleteMultipartUpload", complete(done), "EntityTooSmall", 400);
await call("AbortMultipartUpload", { Bucket, Key: "large", UploadId });
assert.equal((await call("ListMultipartUploads", { Bucket })).Uploads, undefined);

// deletions
await call("DeleteObject", { Bucket, Key });
await call("DeleteObject", { Bucket, Key });
await refuse("GetObject", { Bucket, Key }, "NoSuchKey", 404);
await refuse("DeleteBucket", { Bucket }, "BucketNotEmpty", 409);
const rest = (await list({})).keys;
const deleted = await call("DeleteObjects", { Bucket, Delete: { Objects: [...rest, "absent"].map((one) => ({ Key: one })) } });
assert.equal(deleted.Deleted.length, rest.length + 1);
assert.deepEqual((await list({})).keys, []);
await call("DeleteBucket", { Bucket });

// what is not there says so
const notThere = await refuse("GetObjectTagging", { Bucket: "far-away", Key: "a" }, "NotImplemented", 501);
s3.destroy();
console.log(JSON.stringify({ called: [...called].sort(), notThere }));
