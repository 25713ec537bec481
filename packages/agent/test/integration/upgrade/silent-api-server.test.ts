/** What the agent says of itself where the API server of its node takes connections and answers nothing. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { CHECKS } from "@rancheros/agent/doctor";
import { afterEach, beforeEach, expect, it } from "vitest";

import { operatorOf, startAgent } from "./daemon-on-folder.ts";

const KUBECONFIG = "var/lib/rancher/k3s/agent/kubelet.kubeconfig";

let hole: Server;
let folder: string;

beforeEach(async () => {
  hole = createServer((socket) => socket.on("error", () => undefined));
  await new Promise<void>((resolve) => hole.listen(0, "127.0.0.1", resolve));
  folder = mkdtempSync(join(tmpdir(), "machine-"));
});

afterEach(() => {
  hole.close();
  rmSync(folder, { recursive: true, force: true });
});

it("comes within the time that doctor gives it, as an agent that answers late is told to hang", async () => {
  const address = hole.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const cluster = { server: `https://127.0.0.1:${port}`, "insecure-skip-tls-verify": true };
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user: { token: "t" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  const path = join(folder, KUBECONFIG);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(kubeconfig));
  const waiting = { reason: "UpToDate", message: "nothing to do" };
  const agent = startAgent(operatorOf({ waiting, nextAskInSeconds: 60 }).keeper, undefined, { folder });
  await expect.poll(async () => (await agent.state()).agentPid, { timeout: 20_000 }).toBe(process.pid);
  const startMs = performance.now();
  const { nodeTrouble } = await agent.state();
  expect(performance.now() - startMs).toBeLessThan(CHECKS.agent.limitMs - 1_000);
  expect(nodeTrouble?.code).toBe("NODE_API_TIMEOUT");
  await agent.end();
});
