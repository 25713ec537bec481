/** A channel's server that asks to be left alone is, also by a replica that comes to lead meanwhile. */
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { testChannels } from "../../operator/channels.ts";
import { eventually } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { startStrangeServer, type StrangeServer } from "../../registry/strange-server.ts";

const target = inject("controlPlane");
const used = useOperator(target, "channel-patience", { replicas: 2 });
const channels = testChannels(target, used.namespace);
/** Without a wish it is asked again after 4 s, a tenth more or less. */
const RETRY_MS = 5_000;
const VERSION = {
  metadata: { name: "v1" },
  spec: { version: "v1.0.0", metadata: { upgradeImage: "registry.example.com/os:v1.0.0" } },
};
let isBusy = true;
let server: StrangeServer;

beforeAll(async () => {
  server = await startStrangeServer((request, response) => {
    if (isBusy && request.url === "/busy") response.writeHead(429, { "retry-after": "600" }).end();
    else response.setHeader("content-type", "application/json").end(JSON.stringify([VERSION]));
  });
});
afterAll(async () => {
  await server.stop();
});

function asked(): number {
  return server.requests.filter(({ url }) => url === "/busy").length;
}

it("the wish stands in the status, goes with the leader, and ends with the next reading", async () => {
  const at = (path: string): object => ({ type: "json", options: { uri: `http://${server.host}${path}` } });
  await channels.make("busy", at("/busy"));
  await channels.tried("busy");
  const { notBeforeTime, lastAttemptTime } = await channels.statusOf("busy");
  expect(Date.parse(String(notBeforeTime)) - Date.parse(String(lastAttemptTime))).toBeGreaterThanOrEqual(600_000);
  await used.operator.stop();
  const triedMs = Date.parse(String(lastAttemptTime));
  await eventually(() => Promise.resolve(Date.now() > triedMs + RETRY_MS || undefined), "the time of a retry");
  await channels.make("after", at("/after"));
  await channels.tried("after");
  expect(asked()).toBe(1);
  isBusy = false;
  await channels.request("busy");
  expect(asked()).toBe(2);
  const status = await channels.statusOf("busy");
  expect(status).toMatchObject({ failedSynchronizationAttempts: 0 });
  expect(status).not.toHaveProperty("notBeforeTime");
});
