/** Release files, versions and slots: what an image is beside what runs. */
import { describe, expect, it } from "vitest";

import { bootSlotOf } from "../../../src/upgrade/boot-slot.ts";
import { judgeArrival } from "../../../src/upgrade/judge-arrival.ts";
import { compareVersions, isDowngrade, releaseOf } from "../../../src/upgrade/release.ts";

const release = (text: string, path = "/etc/os-release") => releaseOf(path, Buffer.from(text));

describe("a release file", () => {
  it.each([
    // os2, scripts/package: what RancherOS images are stamped with
    ["IMAGE_REPO=rancher/os2\nIMAGE_TAG=v0.1.0\nIMAGE=rancher/os2:v0.1.0\n", "rancher/os2", "v0.1.0"],
    ["IMAGE=registry:5000/os:v2\n", "registry:5000/os", "v2"],
    ["IMAGE=registry:5000/os\n", "registry:5000/os", undefined],
    // Debian 13
    [
      'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nID=debian\n',
      "debian",
      "13",
    ],
    // Elemental
    [
      'NAME="SL-Micro"\nIMAGE_REPO="registry.suse.com/suse/sl-micro/6.1/baremetal-os-container"\nIMAGE_TAG="2.2.0-4.4"\n',
      "registry.suse.com/suse/sl-micro/6.1/baremetal-os-container",
      "2.2.0-4.4",
    ],
    ["", undefined, undefined],
  ])("%j names %s and %s", (text, repository, version) => {
    expect(release(text)).toMatchObject({ repository, version });
  });

  it.each([
    ["IMAGE=os:v1.1.0", "IMAGE=os:v1.0.0", true],
    ["IMAGE=os:v1.0.0", "IMAGE=os:v1.1.0", false],
    ["IMAGE=os:v1.0.0", "IMAGE=os:v1.0.0", false],
    ["IMAGE=os:v1.1.0", "IMAGE=other:v1.0.0", false],
    ["IMAGE=os:v1.1.0", "IMAGE=os", false],
  ])("with %s, an image of %s is older: %s", (running, image, expected) => {
    expect(isDowngrade(release(running), release(image))).toBe(expected);
  });
});

describe("versions", () => {
  it.each(
    [
      "0.9.0",
      "v1.0.0-alpha.1",
      "v1.0.0-rc2",
      "v1.0.0-rc10",
      "1.0.0",
      "v1.0.1",
      "v1.2",
      "v1.10.0",
      "v1.10.0.1",
      "2026.1",
    ].map((one, index, all) => [one, all[index + 1] ?? "9999"]),
  )("%s is older than %s", (older, newer) => {
    expect(compareVersions(older, newer)).toBeLessThan(0);
    expect(compareVersions(newer, older)).toBeGreaterThan(0);
  });

  it("that say the same in other words are equal", () => {
    expect(compareVersions("v1.2", "1.2.0")).toBe(0);
    expect(compareVersions("v1.2.0+k3s1", "v1.2.0+k3s2")).toBe(0);
  });
});

describe("the slot that was started", () => {
  it.each([
    [
      "BOOT_IMAGE=(loop0)/boot/vmlinuz console=tty1 root=LABEL=COS_ACTIVE cos-img/filename=/cOS/active.img panic=5",
      [],
      "active",
    ],
    ["BOOT_IMAGE=(loop0)/boot/vmlinuz root=LABEL=COS_PASSIVE cos-img/filename=/cOS/passive.img", [], "passive"],
    ["root=live:CDLABEL=COS_SYSTEM rd.live.dir=/ rd.live.squashimg=recovery.squashfs", [], "recovery"],
    ["root=LABEL=COS_ACTIVE", ["passive_mode"], "passive"],
    ["BOOT_IMAGE=/boot/vmlinuz-6.12 root=/dev/sda1 ro quiet", [], "unknown"],
    ["root=/dev/disk/by-label/NOT_COS_PASSIVE_AT_ALL", [], "unknown"],
  ])("of %s with %j is %s", (commandLine, modeFiles, slot) => {
    expect(bootSlotOf({ commandLine, modeFiles })).toBe(slot);
  });
});

describe("what came up after a restart", () => {
  const switched = {
    bootId: "b",
    rebootRequests: 1,
    runs: 1,
    boots: 1,
    isConfirmed: false,
    startedFrom: "active",
    runsOld: true,
  } as const;
  const releases = { old: "old", new: "new" };
  it.each([
    ["the new operating system", {}, releases, { slot: "active", release: "new" }, "go-on"],
    [
      "the old one after a restart that was asked for",
      {},
      releases,
      { slot: "unknown", release: "old" },
      "rolled-back",
    ],
    ["the old one after a power cut", { rebootRequests: 0 }, releases, { slot: "active", release: "old" }, "go-on"],
    ["the passive slot", {}, releases, { slot: "passive", release: "old" }, "rolled-back"],
    [
      "the passive slot after a power cut",
      { rebootRequests: 0 },
      releases,
      { slot: "passive", release: "old" },
      "rolled-back",
    ],
    [
      "the passive slot that it was in, after a power cut",
      { rebootRequests: 0, startedFrom: "passive" },
      releases,
      { slot: "passive", release: "old" },
      "go-on",
    ],
    ["the recovery system", { rebootRequests: 0 }, releases, { slot: "recovery", release: "rec" }, "rolled-back"],
    ["something without release files", {}, undefined, { slot: "unknown", release: undefined }, "go-on"],
    [
      "an unchanged release file of an image without one, once",
      {},
      { old: "old", new: undefined },
      { slot: "unknown", release: "old" },
      "go-on",
    ],
    [
      "an unchanged release file of an image without one, twice",
      { rebootRequests: 2 },
      { old: "old", new: undefined },
      { slot: "unknown", release: "old" },
      "rolled-back",
    ],
    ["another restart each time", { rebootRequests: 3 }, releases, { slot: "active", release: "new" }, "failed"],
    ["power cuts without end", { rebootRequests: 0, boots: 6 }, releases, { slot: "active", release: "old" }, "failed"],
  ] as const)("%s", (_what, changes, files, arrival, expected) => {
    expect(judgeArrival({ ...switched, ...changes }, files, arrival).kind).toBe(expected);
  });
});
