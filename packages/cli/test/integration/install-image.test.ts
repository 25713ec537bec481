/** `ros-agent install` of an image from a real registry. */
import { readdirSync, readFileSync } from "node:fs";
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
});
