/** Lists of versions that are asked for through a proxy: the channel's, the operator's own, or none. */
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { testChannels } from "../../operator/channels.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { createAuthority } from "../../registration/authority.ts";
import { startProxy, startStrangeServer, type StrangeServer, type TestProxy } from "../../registry/strange-server.ts";

const target = inject("controlPlane");
const authority = createAuthority("versions");
const NAME = "versions.test";
const list = [
  { metadata: { name: "v1" }, spec: { version: "v1.0.0", metadata: { upgradeImage: "example.com/os:v1" } } },
];
const server = await startStrangeServer(
  (_, response) => response.setHeader("content-type", "application/json").end(JSON.stringify(list)),
  authority.issue({ names: [NAME, "127.0.0.1"] }),
);
const own = await startProxy(server.host);
const { namespace } = useOperator(target, "channel-proxy", {
  // The API server is at 127.0.0.1, as in a cluster it is in NO_PROXY.
  environment: { HTTPS_PROXY: `http://${own.host}`, NO_PROXY: "127.0.0.1" },
});
const channels = testChannels(target, namespace);
let others: TestProxy;
let refusing: TestProxy;

beforeAll(async () => {
  [others, refusing] = await Promise.all([startProxy(server.host), startProxy(server.host, "refuse")]);
});
afterAll(async () => {
  await Promise.all([own, others, refusing, server].map((one: StrangeServer) => one.stop()));
});

/** How its one attempt ended, by name; nothing resolves to its address. */
async function tried(name: string, more: object): Promise<{ readonly status?: string; readonly message?: string }> {
  const options = { uri: `https://${NAME}/list.json`, caBundle: authority.certificatePem, ...more };
  await channels.make(name, { type: "json", options });
  return channels.tried(name);
}

it("the operator's own proxy leads to a list, with TLS from end to end", async () => {
  expect(await tried("by-operators", {})).toMatchObject({ status: "True", reason: "Synchronized" });
  expect(own.targets).toEqual([`${NAME}:443`]);
  expect((await channels.versions()).get("v1")?.spec["version"]).toBe("v1.0.0");
});

it("a channel's own one is used instead", async () => {
  expect(await tried("by-its-own", { proxy: `http://${others.host}` })).toMatchObject({ reason: "Synchronized" });
  expect(others.targets).toEqual([`${NAME}:443`]);
  expect(own.targets).toHaveLength(1);
});

it("none is used where the channel says so", async () => {
  const synced = await tried("by-none", { uri: `https://${server.host}/list.json`, proxy: "none" });
  expect(synced).toMatchObject({ reason: "Synchronized" });
  expect((await tried("nowhere", { proxy: "none" })).message).toMatch(/^CHANNEL_UNREACHABLE: /);
  expect([own.targets.length, others.targets.length]).toEqual([1, 1]);
});

it("one that refuses is named with its answer, and the list is not asked for past it", async () => {
  const before = server.requests.length;
  const synced = await tried("refused", { proxy: `http://${refusing.host}` });
  expect(synced).toMatchObject({ status: "False", reason: "FailedToSync" });
  expect(synced.message).toMatch(/^CHANNEL_\w+: .*403/);
  expect([refusing.targets, server.requests.length]).toEqual([[`${NAME}:443`], before]);
});
