// What people do with the AWS SDK for JavaScript, against the simulated Regions.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ConflictException,
  CreateClusterCommand,
  CreateStreamCommand,
  DeleteClusterCommand,
  DeleteClusterPolicyCommand,
  DeleteStreamCommand,
  GetClusterCommand,
  GetClusterPolicyCommand,
  GetVpcEndpointServiceNameCommand,
  ListTagsForResourceCommand,
  PutClusterPolicyCommand,
  ResourceNotFoundException,
  ServiceQuotaExceededException,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateClusterCommand,
  ValidationException,
  paginateListClusters,
  paginateListStreams,
  waitUntilClusterActive,
  waitUntilClusterNotExists,
  waitUntilStreamActive,
  waitUntilStreamNotExists,
} from "@aws-sdk/client-dsql";

import { Server } from "./server.mjs";

const WITNESS = { witnessRegion: "us-west-2" };

const soon = (client) => ({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 });

function withServer(name, body) {
  test(name, async () => {
    const server = await Server.start();
    try {
      await body(server);
    } finally {
      await server.stop();
    }
  });
}

withServer("a single-Region cluster lives and goes", async (server) => {
  const client = server.client("us-east-1");
  const { identifier, arn, status, creationTime } = await client.send(
    new CreateClusterCommand({ tags: { team: "orders" } }),
  );
  assert.equal(status, "CREATING");
  assert(creationTime instanceof Date);
  await waitUntilClusterActive(soon(client), { identifier });
  const cluster = await client.send(new GetClusterCommand({ identifier }));
  assert.deepEqual([cluster.arn, cluster.tags], [arn, { team: "orders" }]);
  await assert.rejects(client.send(new DeleteClusterCommand({ identifier })), (refused) => {
    assert(refused instanceof ValidationException);
    assert.equal(refused.reason, "deletionProtectionEnabled");
    return true;
  });
  await client.send(new UpdateClusterCommand({ identifier, deletionProtectionEnabled: false }));
  await waitUntilClusterActive(soon(client), { identifier });
  await client.send(new DeleteClusterCommand({ identifier }));
  await waitUntilClusterNotExists(soon(client), { identifier });
  await assert.rejects(client.send(new GetClusterCommand({ identifier })), ResourceNotFoundException);
});

withServer("three steps make a pair and two calls delete it", async (server) => {
  const [east, ohio] = [server.client("us-east-1"), server.client("us-east-2")];
  const create = (client, multiRegionProperties) =>
    client.send(new CreateClusterCommand({ multiRegionProperties, deletionProtectionEnabled: false }));
  const blue = await create(east, WITNESS);
  const green = await create(ohio, { ...WITNESS, clusters: [blue.arn] });
  await east.send(
    new UpdateClusterCommand({
      identifier: blue.identifier,
      multiRegionProperties: { ...WITNESS, clusters: [green.arn] },
    }),
  );
  const both = [
    [east, blue],
    [ohio, green],
  ];
  for (const [client, { identifier }] of both) {
    await waitUntilClusterActive(soon(client), { identifier });
    const { multiRegionProperties } = await client.send(new GetClusterCommand({ identifier }));
    assert.deepEqual(multiRegionProperties.clusters.toSorted(), [blue.arn, green.arn].toSorted());
  }
  const { status } = await east.send(new DeleteClusterCommand({ identifier: blue.identifier }));
  assert.equal(status, "PENDING_DELETE");
  await ohio.send(new DeleteClusterCommand({ identifier: green.identifier }));
  for (const [client, { identifier }] of both) {
    await waitUntilClusterNotExists(soon(client), { identifier });
  }
});

withServer("a retry with its token is answered as the first time", async (server) => {
  const client = server.client("us-east-1");
  const create = (more) => client.send(new CreateClusterCommand({ clientToken: "orders-1", ...more }));
  const [first, second] = [await create(), await create()];
  delete first.$metadata;
  delete second.$metadata;
  assert.deepEqual(second, first);
  await assert.rejects(create({ deletionProtectionEnabled: false }), ConflictException);
});

withServer("pages hold all clusters once, and the quota is an error of its own", async (server) => {
  const client = server.client("us-east-1");
  const made = new Set();
  const create = () => client.send(new CreateClusterCommand({ multiRegionProperties: WITNESS }));
  for (let number = 0; number < 5; number++) {
    made.add((await create()).identifier);
  }
  await assert.rejects(create(), (refused) => {
    assert(refused instanceof ServiceQuotaExceededException);
    assert.deepEqual([refused.$metadata.httpStatusCode, refused.quotaCode], [402, "L-DCF93F11"]);
    return true;
  });
  const seen = [];
  for await (const page of paginateListClusters({ client, pageSize: 2 }, {})) {
    seen.push(...page.clusters.map((cluster) => cluster.identifier));
  }
  assert.equal(seen.length, 5);
  assert.deepEqual(new Set(seen), made);
});

withServer("tags and policies", async (server) => {
  const client = server.client("us-east-1");
  const { identifier, arn } = await client.send(new CreateClusterCommand({ tags: { a: "1" } }));
  await client.send(new TagResourceCommand({ resourceArn: arn, tags: { "b c": "+ = /" } }));
  await client.send(new UntagResourceCommand({ resourceArn: arn, tagKeys: ["a", "none"] }));
  const { tags } = await client.send(new ListTagsForResourceCommand({ resourceArn: arn }));
  assert.deepEqual(tags, { "b c": "+ = /" });
  const policy = '{"Version": "2012-10-17", "Statement": []}';
  const bypassPolicyLockoutSafetyCheck = true;
  const put = { identifier, policy, bypassPolicyLockoutSafetyCheck };
  const { policyVersion } = await client.send(new PutClusterPolicyCommand(put));
  assert.equal((await client.send(new GetClusterPolicyCommand({ identifier }))).policy, policy);
  const stale = { identifier, expectedPolicyVersion: "stale" };
  await assert.rejects(client.send(new DeleteClusterPolicyCommand(stale)), ConflictException);
  await client.send(new DeleteClusterPolicyCommand({ identifier, expectedPolicyVersion: policyVersion }));
  const { serviceName } = await client.send(new GetVpcEndpointServiceNameCommand({ identifier }));
  assert.match(serviceName, /^com\.amazonaws\.us-east-1\.dsql-/);
});

withServer("streams live and go", async (server) => {
  const client = server.client("us-east-1");
  const { identifier: clusterIdentifier } = await client.send(new CreateClusterCommand({}));
  await waitUntilClusterActive(soon(client), { identifier: clusterIdentifier });
  const streamArn = "arn:aws:kinesis:us-east-1:111122223333:stream/orders";
  const roleArn = "arn:aws:iam::111122223333:role/orders";
  const targetDefinition = { kinesis: { streamArn, roleArn } };
  const asked = { clusterIdentifier, targetDefinition, ordering: "UNORDERED", format: "JSON" };
  const { streamIdentifier } = await client.send(new CreateStreamCommand(asked));
  await waitUntilStreamActive(soon(client), { clusterIdentifier, streamIdentifier });
  for await (const page of paginateListStreams({ client, pageSize: 1 }, { clusterIdentifier })) {
    assert.deepEqual(
      page.streams.map((stream) => stream.streamIdentifier),
      [streamIdentifier],
    );
  }
  await client.send(new DeleteStreamCommand({ clusterIdentifier, streamIdentifier }));
  await waitUntilStreamNotExists(soon(client), { clusterIdentifier, streamIdentifier });
});

withServer("a lost answer and the SDK's own retry make one cluster", async (server) => {
  const client = server.client("us-east-1");
  await paginateListClusters({ client }, {}).next();
  await server.sim("faults", "drop us-east-1->client-1 CreateCluster.response times=1");
  const { identifier, $metadata } = await client.send(new CreateClusterCommand({}));
  assert.equal($metadata.attempts, 2);
  const { value: page } = await paginateListClusters({ client }, {}).next();
  assert.deepEqual(
    page.clusters.map((cluster) => cluster.identifier),
    [identifier],
  );
});
