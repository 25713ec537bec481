/** Which file is asked for, which part of it, and what a registry's manifest must say. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBootManifest } from "../../../src/boot/boot-manifest.ts";
import { bootRouteOf, isBootPath } from "../../../src/boot/boot-route.ts";
import { byteRangeOf } from "../../../src/boot/byte-range.ts";
import { ipxeScript } from "../../../src/boot/ipxe-script.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

function layer(title: string, fields: object = {}): object {
  return { digest: DIGEST, size: 7, annotations: { "org.opencontainers.image.title": title }, ...fields };
}

function manifest(layers: unknown): Buffer {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, layers }));
}

const WHOLE = [layer("kernel"), layer("initrd"), layer("squashfs")];

describe("boot routes", () => {
  it("are read below both prefixes, with the name that live-boot takes for a squashfs", () => {
    expect(bootRouteOf("/boot/abc123/ipxe")).toEqual({ token: "abc123", what: "ipxe" });
    expect(bootRouteOf("/v1-rancheros/boot/abc123/kernel")).toEqual({ token: "abc123", what: "kernel" });
    expect(bootRouteOf("/boot/abc123/root.squashfs")).toEqual({ token: "abc123", what: "squashfs" });
  });

  it.each([
    "/boot/",
    "/boot/abc123",
    "/boot//ipxe",
    "/boot/abc123/squashfs",
    "/boot/a/b/ipxe",
    "/boot/a%2f/ipxe",
    "/boot/abc123/ipxe/",
  ])("are nothing else: %s", (path) => {
    expect(isBootPath(path)).toBe(true);
    expect(bootRouteOf(path)).toBeUndefined();
  });
});

describe("ranges", () => {
  it.each([
    ["bytes=0-0", { first: 0, last: 0 }],
    ["bytes=10-", { first: 10, last: 99 }],
    ["bytes=-5", { first: 95, last: 99 }],
    ["bytes=-500", { first: 0, last: 99 }],
    ["bytes=90-500", { first: 90, last: 99 }],
    ["bytes=100-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=5-4", undefined],
    ["bytes=0-1,3-4", undefined],
    ["lines=1-2", undefined],
    ["bytes=-", undefined],
    [undefined, undefined],
  ] as const)("%s of 100 bytes", (header, expected) => {
    expect(byteRangeOf(header, 100)).toEqual(expected);
  });

  it("never reach outside the file", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), fc.nat(), fc.integer({ min: 1, max: 1_000 }), (text, from, to, size) => {
        for (const header of [text, `bytes=${from}-${to}`, `bytes=${from}-`, `bytes=-${to}`]) {
          const range = byteRangeOf(header, size);
          if (range === undefined || range === "unsatisfiable") continue;
          expect(range.first).toBeGreaterThanOrEqual(0);
          expect(range.last).toBeGreaterThanOrEqual(range.first);
          expect(range.last).toBeLessThan(size);
        }
      }),
    );
  });
});

describe("manifests of boot media", () => {
  it("name three files, whatever else is there", () => {
    const found = parseBootManifest(manifest([layer("README"), ...WHOLE, 5]), "media");
    expect(found).toEqual({
      kernel: { digest: DIGEST, sizeBytes: 7 },
      initrd: { digest: DIGEST, sizeBytes: 7 },
      squashfs: { digest: DIGEST, sizeBytes: 7 },
    });
  });

  it.each([
    ["no layers", Buffer.from("{}"), /has no layers/],
    ["no JSON", Buffer.from("<html>"), /is no JSON/],
    ["an OS image", manifest([{ digest: DIGEST, size: 7 }]), /kernel; .*initrd; .*squashfs/],
    ["a file twice", manifest([...WHOLE, layer("kernel")]), /several layers called kernel/],
    ["another digest", manifest([layer("kernel", { digest: "md5:1" }), ...WHOLE.slice(1)]), /kernel: its digest/],
    ["a size below 0", manifest([...WHOLE.slice(0, 2), layer("squashfs", { size: -1 })]), /squashfs: its size/],
  ])("are refused with the reason: %s", (_, body, message) => {
    const refused = (): unknown => parseBootManifest(body, "media");
    expect(refused).toThrow(message);
    expect(refused).toThrow(expect.objectContaining({ code: "BOOT_MEDIA_INVALID" }));
  });
});

it("The iPXE script names every file below its base, and comes back where one is missing", () => {
  const script = ipxeScript({ base: "http://h:80/boot/t", kernelArguments: "console=ttyS0" });
  expect(script.split("\n", 1)).toEqual(["#!ipxe"]);
  expect(script).toMatch(
    /^kernel http:\/\/h:80\/boot\/t\/kernel initrd=initrd boot=live fetch=http:\/\/h:80\/boot\/t\/root\.squashfs /m,
  );
  expect(script).toMatch(
    / rancheros\.install\.config_url=http:\/\/h:80\/boot\/t\/config console=ttyS0 \|\| goto later$/m,
  );
  // An installed machine that comes here all the same; the registration's words come later, and count.
  expect(script).toMatch(/ rancheros\.install\.installed=start .*console=ttyS0 \|\| goto later$/m);
  expect(script).toMatch(/^chain --replace --autofree http:\/\/h:80\/boot\/t\/ipxe \|\| goto later$/m);
});
