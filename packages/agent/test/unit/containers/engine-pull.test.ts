import { describe, expect, it } from "vitest";

import { preparePull, runnableName, storedName } from "../../../src/containers/engine/engine-pull.ts";
import type { LoadCall } from "../../../src/containers/driver.ts";
import { parsePinnedImage } from "../../../src/images/image-reference.ts";

const image = parsePinnedImage(`registry.example.com/rancher/os@sha256:${"a".repeat(64)}`);

/** Arguments and files as docker's and nerdctl's documentation has them; podman's are held by a real one. */
function call(): { readonly call: LoadCall; readonly written: Map<string, string> } {
  const written = new Map<string, string>();
  const unused = async (): Promise<never> => {
    throw new Error("not used here");
  };
  const folder = {
    path: "/run/x",
    prepare: unused,
    makeFolder: unused,
    read: unused,
    keepOnly: unused,
    remove: unused,
    write: async (name: string, content: string) => {
      written.set(name, content);
      return `/run/x/${name}`;
    },
  };
  const platform = { os: "linux", architecture: "arm", variant: "v7" };
  const config = { mediaType: "", digest: image.digest, sizeBytes: 1 };
  const description = {
    image,
    platform,
    manifestDigest: image.digest,
    manifests: new Map(),
    config,
    layers: [],
    diffIds: [],
    transferBytes: 1,
  };
  const none = (): undefined => undefined;
  const relay = { host: "127.0.0.1:5", username: "u", password: "canary", failure: none, trouble: none, close: unused };
  return { call: { description, relay, folder, isOwn: true, signal: new AbortController().signal }, written };
}

describe("preparePull", () => {
  it("gives docker the relay's login in a configuration of its own, and the image a name that stays", async () => {
    const { call: asked, written } = call();
    const { steps, environment } = await preparePull("docker", asked);
    const atRelay = `127.0.0.1:5/rancher/os@${image.digest}`;
    const name = `registry.example.com/rancher/os:ros-agent-sha256-${"a".repeat(64)}`;
    expect(steps).toEqual([
      ["pull", "--quiet", "--platform", "linux/arm/v7", atRelay],
      ["tag", atRelay, name],
    ]);
    expect(storedName("docker", image)).toBe(name);
    expect(environment).toEqual({ DOCKER_CONFIG: "/run/x" });
    const login = Buffer.from("u:canary").toString("base64");
    expect(JSON.parse(written.get("config.json") ?? "")).toEqual({ auths: { "127.0.0.1:5": { auth: login } } });
  });

  it("finds what docker was given under its other name, and leaves names without a digest", () => {
    expect(runnableName("docker", image.name)).toBe(storedName("docker", image));
    expect(runnableName("podman", image.name)).toBe(image.name);
    expect(runnableName("docker", "localhost/os:v1")).toBe("localhost/os:v1");
  });

  it("gives nerdctl a folder of hosts", async () => {
    const { call: asked, written } = call();
    const { steps } = await preparePull("nerdctl", asked);
    expect(steps).toEqual([
      ["--hosts-dir", "/run/x/hosts", "pull", "--quiet", "--platform", "linux/arm/v7", image.name],
    ]);
    expect(written.get("hosts/_default/hosts.toml")).toContain('server = "http://127.0.0.1:5"');
  });

  it("shows the login in no argument and no variable", async () => {
    for (const kind of ["docker", "nerdctl", "podman"] as const) {
      const shown = JSON.stringify(await preparePull(kind, call().call));
      for (const secret of ["canary", Buffer.from("u:canary").toString("base64")]) expect(shown).not.toContain(secret);
    }
  });
});
