/** The journal as a file: what was written is read again, and nothing else is believed. */
import { assert, constantFrom, jsonValue, property } from "fast-check";
import { describe, expect, it } from "vitest";

import { EMPTY_JOURNAL, type Journal } from "../../../src/upgrade/journal.ts";
import { decideEnding, enter, finish, startRun } from "../../../src/upgrade/journal-edits.ts";
import { readJournal, writeJournal } from "../../../src/upgrade/read-journal.ts";
import { createLife, live } from "./machine-life.ts";
import { createWorld, orderOf } from "./machine-world.ts";

const NOW = { wallMs: Date.UTC(2026, 0, 1), bootId: "boot-1", uptimeMs: 1_000 };
const started = startRun(EMPTY_JOURNAL, orderOf({ cloudConfig: "hostname: m1" }), NOW);
const failed = { phase: "Failed", reason: { code: "UPGRADE_NO_ROOM", message: "full" }, message: undefined } as const;
const finished = finish(decideEnding(started, { ...failed, keepsCordon: false, blamesImage: true }, NOW), NOW);

/** As it lies on a machine of version 1: an agent of any later version must understand it. */
const VECTOR = `{
 "version": 1,
 "run": {
  "order": {
   "plan": {
    "id": "${"a".repeat(64)}",
    "image": "default-os-image",
    "attempt": 3,
    "osImage": "rancher/os:v1.1.0",
    "reference": "docker.io/rancher/os@sha256:${"b".repeat(64)}",
    "version": "v1.1.0",
    "cordon": true,
    "drain": { "timeout": "5m", "force": true },
    "upgrade": { "image": "docker.io/rancher/os@sha256:${"b".repeat(64)}", "env": { "FORCE": "true" }, "volumes": [] },
    "credentials": [],
    "timeoutSeconds": 3600,
    "force": false,
    "retry": false,
    "allowDowngrade": false
   },
   "isByHand": false,
   "keepsCloudConfig": false
  },
  "phase": "Rebooting",
  "sinceMs": 1767225600000,
  "startedMs": 1767225000000,
  "message": "the machine restarts",
  "spentMs": 20000,
  "mark": { "bootId": "7d1c1d5a-0d4c-4f5a-9b0e-2f3a7c1b9d11", "uptimeMs": 8640000 },
  "trail": [{ "phase": "Granted", "bootId": "7d1c1d5a-0d4c-4f5a-9b0e-2f3a7c1b9d11", "atMs": 1767225000000 }],
  "releases": { "path": "/usr/lib/rancheros-release", "old": "${"1".repeat(64)}", "new": "${"2".repeat(64)}" },
  "switched": {
   "bootId": "7d1c1d5a-0d4c-4f5a-9b0e-2f3a7c1b9d11",
   "rebootRequests": 1,
   "runs": 1,
   "boots": 0,
   "isConfirmed": false,
   "startedFrom": "active",
   "runsOld": true
  }
 },
 "cordon": "ours",
 "history": [
  {
   "subject": {
    "planId": "${"c".repeat(64)}",
    "image": "default-os-image",
    "attempt": 2,
    "isByHand": false,
    "osImage": "rancher/os:v1.0.0",
    "digest": "sha256:${"d".repeat(64)}"
   },
   "phase": "Succeeded",
   "startedMs": 1767000000000,
   "endedMs": 1767000600000,
   "bootId": "5e0c1d5a-0d4c-4f5a-9b0e-2f3a7c1b9d11"
  }
 ],
 "failedDigests": [],
 "lastSucceededPlan": "${"c".repeat(64)}"
}
`;

describe("the journal", () => {
  it("is read again as it was written", () => {
    const asked = { ...EMPTY_JOURNAL, rollback: { entry: "slot b", bootId: NOW.bootId, askedMs: NOW.wallMs } };
    for (const journal of [EMPTY_JOURNAL, started, enter(started, "Staging", NOW), finished, asked]) {
      expect(readJournal(writeJournal(journal))).toEqual(JSON.parse(JSON.stringify(journal)));
    }
  });

  it("of version 1 is understood", () => {
    const journal = readJournal(VECTOR);
    expect(journal.run).toMatchObject({ phase: "Rebooting", spentMs: 20_000, switched: { rebootRequests: 1 } });
    expect(journal.run?.order.plan).toMatchObject({
      attempt: 3,
      drain: { timeout: "5m" },
      upgrade: { env: { FORCE: "true" } },
    });
    expect(journal).toMatchObject({
      cordon: "ours",
      lastSucceededPlan: "c".repeat(64),
      history: [{ phase: "Succeeded" }],
    });
    expect(readJournal(writeJournal(journal))).toEqual(journal);
  });

  it.each([
    ["nothing", ""],
    ["half of itself", VECTOR.slice(0, VECTOR.length / 2)],
    ["zeros, as after a power cut", "\0".repeat(4096)],
    ["a list", "[]"],
    ["another version", VECTOR.replace('"version": 1', '"version": 2')],
    ["a phase that is none", VECTOR.replace('"Rebooting"', '"Sleeping"')],
    ["a run that has ended", VECTOR.replace('"phase": "Rebooting"', '"phase": "Failed"')],
    ["a switched phase without its switch", VECTOR.replace('"switched"', '"unswitched"')],
    ["a reference without a digest", VECTOR.replaceAll("@sha256:", ":sha256-")],
    ["a cordon that is none", VECTOR.replace('"ours"', '"mine"')],
  ])("is broken where it holds %s", (_what, text) => {
    expect(() => readJournal(text)).toThrow(expect.objectContaining({ code: "UPGRADE_JOURNAL_BROKEN" }));
  });

  it("throws nothing but that it is broken, whatever one field holds", () => {
    const paths = pathsOf(JSON.parse(VECTOR));
    assert(
      property(constantFrom(...paths), jsonValue(), (path, value) => {
        const json: unknown = JSON.parse(VECTOR);
        setAt(json, path, value);
        try {
          const journal = readJournal(JSON.stringify(json));
          expect(writeJournal(readJournal(writeJournal(journal)))).toBe(writeJournal(journal));
        } catch (error) {
          expect(error).toMatchObject({ code: "UPGRADE_JOURNAL_BROKEN" });
        }
      }),
      { numRuns: 500 },
    );
  });

  it("that is broken is kept aside and reported, and the machine takes a new plan", async () => {
    const world = createWorld({ disk: "{" });
    const life = createLife(world);
    let reported: unknown;
    life.onPoint = () => {
      reported ??= life.upgrades?.brokenJournal;
      return undefined;
    };
    await live(life, orderOf());
    expect(reported).toMatchObject({ code: "UPGRADE_JOURNAL_BROKEN" });
    expect((reported as { message: string }).message).toContain("upgrade.json.broken");
    expect(readJournal(world.disk ?? "").history[0]?.phase).toBe("Succeeded");
  });

  it("keeps the last endings and failed digests only", () => {
    let journal: Journal = EMPTY_JOURNAL;
    for (let count = 1; count <= 50; count++) {
      const reference = `example.com/os@sha256:${count.toString(16).padStart(64, "0")}`;
      journal = startRun(journal, orderOf({ reference, attempt: count }), NOW);
      journal = finish(decideEnding(journal, { ...failed, keepsCordon: false, blamesImage: true }, NOW), NOW);
    }
    expect([journal.history.length, journal.failedDigests.length]).toEqual([20, 20]);
    expect(journal.history[0]?.subject.attempt).toBe(50);
    expect(readJournal(writeJournal(journal)).history).toHaveLength(20);
  });

  it("takes no step that the table of phases does not have", () => {
    expect(() => enter(started, "Upgrading", NOW)).toThrow(expect.objectContaining({ code: "UPGRADE_DEFECT" }));
    expect(() => startRun(started, orderOf(), NOW)).toThrow(expect.objectContaining({ code: "UPGRADE_UNDER_WAY" }));
  });
});

function pathsOf(json: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof json !== "object" || json === null) return [path];
  return [path, ...Object.entries(json).flatMap(([key, value]) => pathsOf(value, [...path, key]))].filter(
    (one) => one.length > 0,
  );
}

function setAt(json: unknown, path: readonly string[], value: unknown): void {
  const parent = path.slice(0, -1).reduce((at, key) => (at as Record<string, unknown>)[key], json);
  (parent as Record<string, unknown>)[path.at(-1) ?? ""] = value;
}
