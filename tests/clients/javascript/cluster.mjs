import { CreateClusterCommand, DSQLClient, waitUntilClusterActive } from "@aws-sdk/client-dsql";

const client = new DSQLClient({ region: "us-east-1" });
const { identifier } = await client.send(new CreateClusterCommand({ tags: { team: "orders" } }));
await waitUntilClusterActive({ client, maxWaitTime: 120 }, { identifier });
