/** Names that people write into objects become part of paths: none of them leads out of where it belongs. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { INVENTORY_NAME_ANNOTATION, INVENTORY_UID_LABEL } from "@rancheros/protocol/resources";
import { connectKubernetes, type Kubernetes } from "../../../src/controller/index.ts";
import { rancherClusterTokens } from "../../../src/rancher/index.ts";

let server: Server;
let kubernetes: Kubernetes;
let asked: string[] = [];
const CLUSTER: unknown = { status: { clusterName: "c-m-victim" } };
let answer = CLUSTER;

beforeAll(async () => {
  server = createServer(({ url }, response) => {
    asked.push(url ?? "");
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  // Over plain HTTP there is no TLS to verify, and the library wants to hear that.
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: "c", server: `http://127.0.0.1:${port}`, skipTLSVerify: true }, { name: "u" });
  kubernetes = connectKubernetes(config);
});

beforeEach(() => {
  asked = [];
  answer = CLUSTER;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

it.each(["../../victim/clusters/prod", "%2e%2e/%2e%2e/victim/clusters/prod", "c1/status", "c1?fieldManager=x", "c1#x"])(
  "spec.clusterName %s names no cluster, least of all one of another namespace",
  async (clusterName) => {
    const tokens = rancherClusterTokens(kubernetes);
    expect(await tokens.managementCluster("team-a", clusterName)).toBeUndefined();
    expect(asked).toEqual([]);
    expect(await tokens.managementCluster("team-a", "c1.x")).toBe("c-m-victim");
  },
);

it("a token that says it is of a machine that no name leads to is nobody's", async () => {
  const owners = ["../x", "team/..", "team/.", "Team/m", "team/m?x", "team/m/status", "/m", "team/m"];
  const items = owners.map((owner, index) => ({
    metadata: {
      namespace: "c-m-abc",
      name: `t${index}`,
      labels: { [INVENTORY_UID_LABEL]: "u1" },
      annotations: { [INVENTORY_NAME_ANNOTATION]: owner },
    },
  }));
  answer = { items };
  const owned = await rancherClusterTokens(kubernetes).owned();
  expect(owned?.map(({ owner }) => owner)).toEqual([{ namespace: "team", name: "m", uid: "u1" }]);
});

it.each([
  "/api/v1/namespaces/team-a/secrets/..",
  "/api/v1/namespaces/team-a/secrets/../../victim/secrets/s",
  "/api/v1/namespaces/team-a/secrets/%2E%2e/x",
  "/api/v1/namespaces/team-a/secrets/.",
  "/api/v1/namespaces/team-a/secrets/a\\..\\b",
  "/api/v1/namespaces/team-a/secrets/a#b",
  "/api/v1/namespaces/team-a/secrets/a\nb",
])("a path that would be asked for as another one is not asked for: %j", async (path) => {
  await expect(kubernetes.send({ method: "GET", path })).rejects.toMatchObject({ code: "KUBERNETES_PATH" });
  await expect(kubernetes.open(path, AbortSignal.timeout(1_000), 1_000)).rejects.toMatchObject({
    code: "KUBERNETES_PATH",
  });
  expect(asked).toEqual([]);
});
