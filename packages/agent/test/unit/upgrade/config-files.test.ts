/** The files that an upgrade's cloud config names, where its slot was tried in vain: the old operating system has its own again. */
import { describe, expect, it } from "vitest";

import { formatKeptFiles, parseKeptFiles } from "../../../src/upgrade/kept-files.ts";
import { readJournal } from "../../../src/upgrade/read-journal.ts";
import { createLife, live, type Life } from "./machine-life.ts";
import { createWorld, OLD_RELEASE, orderOf } from "./machine-world.ts";
import { ownSlots } from "./own-slots.ts";

const CHANGED = "/etc/rancher/k3s/config.yaml";
const NEW = "/etc/rancher/k3s/config.yaml.d/50-new.yaml";
const OTHER = "/etc/motd";
const BEFORE = new Map([
  [CHANGED, { text: "old: true\n", mode: 0o600 }],
  [OTHER, { text: "hello\n", mode: 0o644 }],
]);
const OLD_CONFIG = "#cloud-config\nhostname: m1\n";
const NEW_CONFIG = `#cloud-config
write_files:
  - path: ${CHANGED}
    permissions: "0644"
    content: |
      new: true
  - path: ${NEW}
    content: |
      only-the-new-one-knows: true
`;
const AFTER = new Map([
  ...BEFORE,
  [CHANGED, { text: "new: true\n", mode: 0o644 }],
  [NEW, { text: "only-the-new-one-knows: true\n", mode: 0o644 }],
]);

/** A machine whose new operating system comes up, with its files, and does as it is told then. */
function lifeOf(trial: "well" | "fails-checks-late" | "panics"): Life {
  const ours = ownSlots(OLD_RELEASE, { trial });
  return createLife(createWorld({ ours, cloudConfig: OLD_CONFIG, files: new Map(BEFORE) }));
}

const ORDER = orderOf({ prepare: undefined, cloudConfig: NEW_CONFIG });

function end({ world }: Life) {
  const { files, filesBefore, cloudConfig } = world;
  return { phase: readJournal(world.disk ?? "").history[0]?.phase, files, filesBefore, cloudConfig };
}

const BACK = { phase: "RolledBack", files: BEFORE, filesBefore: undefined, cloudConfig: OLD_CONFIG };

describe("the files of a cloud config", () => {
  it("are as they were where the new operating system came up with them and was not good", async () => {
    const life = lifeOf("fails-checks-late");
    await live(life, ORDER);
    expect(life.world.events).toContain("boot b");
    expect(end(life)).toEqual(BACK);
  });

  it("are as they were where it never came up", async () => {
    const life = lifeOf("panics");
    await live(life, ORDER);
    expect(end(life)).toEqual(BACK);
  });

  it("stay where it is good, and nothing is kept of those before", async () => {
    const life = lifeOf("well");
    await live(life, ORDER);
    expect(end(life)).toEqual({
      phase: "Succeeded",
      files: AFTER,
      filesBefore: undefined,
      cloudConfig: NEW_CONFIG,
    });
  });

  it("stay as somebody has changed them since", async () => {
    const life = lifeOf("fails-checks-late");
    const byHand = { text: "by: hand\n", mode: 0o600 };
    life.onPoint = () => {
      const { world } = life;
      if (world.ours?.runs === "b") world.files.set(CHANGED, byHand);
      return undefined;
    };
    await live(life, ORDER);
    expect(end(life)).toEqual({ ...BACK, files: new Map([...BEFORE, [CHANGED, byHand]]) });
  });

  it.each(["kill", "power-cut"] as const)("are as they were whatever comes in between: a %s", async (death) => {
    const whole = lifeOf("fails-checks-late");
    await live(whole, ORDER);
    const points = whole.world.reached.flatMap((point, at) => (point.startsWith("slots-") ? [at + 1] : []));
    expect(points.length).toBeGreaterThan(8);
    for (const at of points) {
      const life = lifeOf("fails-checks-late");
      life.onPoint = (_point, count) => (count === at ? death : undefined);
      await live(life, ORDER);
      expect(end(life), `at ${at}: ${whole.world.reached[at - 1]}`).toEqual(BACK);
    }
  });
});

describe("the record of files", () => {
  it("gives back what went into it", () => {
    const before = { content: Buffer.from([0, 255, 10]), mode: 0o4755, uid: 7, gid: 65_534 };
    const kept = [
      { path: NEW, before: undefined },
      { path: CHANGED, before },
      { path: OTHER, before: { ...before, content: Buffer.alloc(0) } },
    ];
    expect(parseKeptFiles(formatKeptFiles(kept))).toEqual(kept);
  });

  it.each(["", "{", "null", '{"version":2,"files":[]}', '{"version":1,"files":[{"path":7}]}'])(
    "that is none puts nothing back: %s",
    (text) => expect(parseKeptFiles(text)).toEqual([]),
  );
});
