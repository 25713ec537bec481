/** `ros-agent install` of an image from a real registry. */
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { systemEntries } from "../../../../test/disks/index.ts";
import {
  buildImage,
  pushImage,
  startRegistry,
  type Image,
  type TestRegistry,
} from "../../../../test/registry/index.ts";
import { startStrangeServer } from "../../../../test/registry/strange-server.ts";
import { openInstallGround } from "./install-ground.ts";

const ground = openInstallGround();
const { home, newDisk, install, refusal } = ground;

afterEach(() => ground.restart());
afterAll(() => ground.remove());

describe("an image from a registry", () => {
  let registry: TestRegistry;
  const push = (image: Image): Promise<string> => pushImage(registry, "os/system", "v1", image);

  beforeAll(async () => {
    registry = await startRegistry({ folder: join(home, "registry") });
  });

  afterAll(async () => {
    await registry.kill();
  });

  it("is installed by its digest, with what upper layers take away and put in its place", async () => {
    const target = newDisk();
    const lower = [
      ...systemEntries("example.com/os:v2"),
      { path: "opt/gone/deep/file", content: "x" },
      { path: "srv/kept/new", content: "lower" },
      { path: "srv/kept/old", content: "lower" },
      { path: "etc/both", folder: true } as const,
      { path: "etc/both/in", content: "x" },
      { path: "usr/share/single", content: "lower" },
    ];
    const upper = [
      { path: "opt/.wh.gone", content: "" },
      { path: "srv/kept/.wh..wh..opq", content: "" },
      { path: "srv/kept/new", content: "upper" },
      { path: "etc/both", content: "a file now" },
      { path: "usr/share/single", content: "upper" },
    ];
    const image = buildImage({ layers: [lower, upper] });
    const digest = await push(image);
    const outcome = await install(target, "--os-image", `${registry.host}/os/system:v1`);
    expect(outcome.code, outcome.stderr).toBe(0);
    target.look("ROS_SLOT_A", (root) => {
      const text = (path: string): string => readFileSync(join(root, path), "utf8");
      expect(readdirSync(join(root, "opt"))).toEqual([]);
      expect(readdirSync(join(root, "srv/kept"))).toEqual(["new"]);
      expect([text("srv/kept/new"), text("etc/both"), text("usr/share/single")]).toEqual([
        "upper",
        "a file now",
        "upper",
      ]);
      expect(JSON.parse(text(".rancheros-slot.json"))).toMatchObject({
        digest,
        reference: `${registry.host}/os/system@${digest}`,
      });
    });
  });

  it("is refused where it is for another processor, is gone, or holds another content than its digest says", async () => {
    const target = newDisk();
    await push(buildImage({ layers: [systemEntries("x")], platform: { os: "linux", architecture: "mips64le" } }));
    expect(await refusal(target, "--os-image", `${registry.host}/os/system:v1`)).toBe("IMAGE_WRONG_PLATFORM");
    expect(await refusal(target, "--os-image", `${registry.host}/os/system@sha256:${"0".repeat(64)}`)).toBe(
      "IMAGE_NOT_FOUND",
    );
    expect(target.firstBytes(4096).every((byte) => byte === 0)).toBe(true);
  });

  it("is taken from the registry where a mirror sends a damaged layer, without another start", async () => {
    const target = newDisk();
    // Nothing that gzip makes small: what is damaged is found long before the end.
    const bytes = Array.from({ length: 4 }, () => randomBytes(1024 * 1024));
    const files = bytes.map((content, at) => ({ path: `srv/file${at}`, content }));
    const image = buildImage({ layers: [[...files, ...systemEntries("example.com/os:v2")]] });
    const digest = await push(image);
    const [, layer = ""] = image.blobs.keys();
    const bent = Buffer.from(image.blobs.get(layer) ?? "");
    bent.fill(0xff, 10, 200);
    const mirror = await startStrangeServer(({ url = "" }, response) => {
      const asked = url.replace(/.*\//, "").replace(/\?.*/, "");
      const body = asked === layer ? bent : asked === digest ? image.manifest : image.blobs.get(asked);
      response.writeHead(body === undefined ? 404 : 200, { "content-type": image.descriptor.mediaType }).end(body);
    });
    const file = join(home, "registries.yaml");
    writeFileSync(file, `mirrors: {"${registry.host}": {endpoint: ["http://${mirror.host}"]}}\n`);
    const outcome = await install(target, "--os-image", `${registry.host}/os/system@${digest}`, "--registries", file);
    await mirror.stop();
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      outcome: "installed",
      warnings: [{ code: "IMAGE_DIGEST_WRONG", message: expect.stringContaining(mirror.host) as string }],
    });
    target.look("ROS_SLOT_A", (root) =>
      expect(readFileSync(join(root, "srv/file3")).equals(bytes[3] ?? bent)).toBe(true),
    );
  });
});
