/** Which cluster the operator finds in kubeconfigs: the one that kubectl would. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadKubeConfig } from "../../../src/controller/index.ts";

let folder: string;
let first: string;
let second: string;
let missing: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "load-kube-config-"));
  missing = path.join(folder, "missing");
  const users = [{ name: "shared", user: { token: "of the first" } }];
  first = put("first", { users, clusters: [cluster("shared", "https://first")], contexts: [context("one", "shared")] });
  const ofSecond = [
    cluster("shared", "https://second"),
    { name: "other", cluster: { server: "https://other", "certificate-authority": "ca.pem" } },
  ];
  second = put("second", {
    users: [{ name: "shared", user: { token: "of the second" } }],
    clusters: ofSecond,
    contexts: [context("two", "other")],
    "current-context": "two",
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, content: object): string {
  const file = path.join(folder, name);
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "Config", ...content }));
  return file;
}

function cluster(name: string, server: string): object {
  return { name, cluster: { server } };
}

function context(name: string, of: string): object {
  return { name, context: { cluster: of, user: "shared" } };
}

/** @returns context, server and token that requests would go with */
function choice(...files: readonly string[]): readonly (string | null | undefined)[] {
  const config = loadKubeConfig(...files);
  return [config.getCurrentContext(), config.getCurrentCluster()?.server, config.getCurrentUser()?.token];
}

describe("several kubeconfigs", () => {
  it("are merged: what the first one does not have comes from the next", () => {
    expect(choice(first, second)).toEqual(["two", "https://other", "of the first"]);
    expect(choice(second, first)).toEqual(["two", "https://other", "of the second"]);
  });

  it("have the current context of the first that sets one, which may be of a context in another", () => {
    const third = put("third", { "current-context": "one" });
    expect(choice(third, second, first)).toEqual(["one", "https://second", "of the second"]);
    expect(choice(second, third, first)).toEqual(["two", "https://other", "of the second"]);
  });

  it("keep paths that are meant from the folder of their file", () => {
    expect(loadKubeConfig(first, second).getCurrentCluster()?.caFile).toBe(path.join(folder, "ca.pem"));
  });

  it("may lack some, and not all", () => {
    expect(choice(missing, second)).toEqual(["two", "https://other", "of the second"]);
    expect(() => loadKubeConfig(missing, `${missing}-too`)).toThrow(
      expect.objectContaining({
        code: "KUBERNETES_KUBECONFIG",
        message: `there is no kubeconfig at ${missing} or ${missing}-too`,
      }) as Error,
    );
  });

  it("are refused where one of them is nonsense", () => {
    const nonsense = path.join(folder, "nonsense");
    writeFileSync(nonsense, "{");
    expect(() => loadKubeConfig(second, nonsense)).toThrow(`cannot read the kubeconfig ${nonsense}: `);
  });
});

it("a single kubeconfig has to be there", () => {
  expect(() => loadKubeConfig(missing)).toThrow(`cannot read the kubeconfig ${missing}: ENOENT`);
});
