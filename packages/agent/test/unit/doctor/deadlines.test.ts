/** What never answers keeps nobody for ever. */
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

import { askProgram } from "../../../src/doctor/io/ask-program.ts";
import { supportArchiveThrough, type ArchiveOutside } from "../../../src/doctor/support-archive.ts";
import { openSlots } from "../../../src/slots/index.ts";

const never = <T>(): Promise<T> => Promise.withResolvers<T>().promise;

describe("a program that not even SIGKILL ends", () => {
  it("is left alone", async () => {
    const controller = new AbortController();
    const calls: string[] = [];
    const asking = askProgram({ program: "x", args: [], signal: controller.signal }, () => ({
      ending: never(),
      kill: (signal) => void calls.push(signal),
      abandon: () => void calls.push("abandoned"),
    }));
    controller.abort();
    expect(await asking).toBeUndefined();
    expect(calls).toEqual(["SIGKILL", "abandoned"]);
  });
});

describe("a support archive", () => {
  const UNBROKEN = new AbortController().signal;

  /** @returns the archive as text, uncompressed */
  async function make(change: Partial<ArchiveOutside>, signal = UNBROKEN): Promise<string> {
    let saved: Buffer = Buffer.alloc(0);
    const outside: ArchiveOutside = {
      readAgentState: never,
      readOtherStamp: never,
      readRegistered: never,
      readUnits: () => Promise.resolve(undefined),
      slots: openSlots({ hostRoot: "/nowhere", stateFolder: "/nowhere", runFolder: "/nowhere" }),
      probeOperator: () => {
        throw new Error("nobody asks it");
      },
      wallMs: () => 0,
      readSystemTexts: never,
      readJournals: () => Promise.resolve(new Map([["x.service", "a line of the journal"]])),
      readSecretFiles: () => Promise.resolve({ files: [], unread: [] }),
      saveArchive(_path, bytes) {
        saved = bytes;
        return Promise.resolve();
      },
      environment: {},
      timeout: () => UNBROKEN,
      ...change,
    };
    await supportArchiveThrough(outside, {
      path: "/nowhere/archive",
      report: { ok: true, findings: [], failure: undefined, warning: undefined },
      reportText: "",
      versions: { version: "1", commit: undefined, node: "26", platform: "linux" },
      target: { kind: "none", because: "" },
      signal,
    });
    return gunzipSync(saved).toString("latin1");
  }

  it("is made without what does not come in time", async () => {
    const text = await make({ timeout: () => AbortSignal.abort() });
    expect(text).toContain("versions.json");
    expect(text).toContain('"could not be read in time"');
  });

  it("says why the slots could not be read", async () => {
    const slots = openSlots({ hostRoot: "/nowhere", stateFolder: "/nowhere", runFolder: "/nowhere" });
    const started = () => ({ slot: "a", isTrial: false }) as const;
    const stamp = () => Promise.resolve(undefined);
    const readOtherStamp = () => Promise.reject(new Error("no disk"));
    const nothing = () => Promise.reject(new Error());
    const change = { readRegistered: nothing, readSystemTexts: nothing, readAgentState: nothing };
    const text = await make({ ...change, slots: { ...slots, started, stamp }, readOtherStamp });
    expect(text).toContain('"could not be read: no disk"');
  });

  it("has no journals where the secrets do not come in time", async () => {
    const controller = new AbortController();
    const readSecretFiles: ArchiveOutside["readSecretFiles"] = () => {
      controller.abort();
      return never();
    };
    const nothing = () => Promise.resolve(undefined);
    const texts = () => Promise.resolve({ kernel: "", osRelease: "", commandLine: "" });
    const change = {
      readRegistered: nothing,
      readSystemTexts: texts,
      readAgentState: () => Promise.reject(new Error()),
    };
    const text = await make({ ...change, readSecretFiles, timeout: () => controller.signal });
    expect(text).not.toContain("a line of the journal");
    expect(text).toContain("this machine's files, which did not come in time");
  });

  it("is not made of what there is where somebody breaks it off, at any time", async () => {
    let saved = 0;
    const saveArchive: ArchiveOutside["saveArchive"] = () => Promise.resolve(void saved++);
    const nothing = () => Promise.resolve(undefined);
    const slow = { saveArchive, timeout: () => UNBROKEN };
    await expect(make(slow, AbortSignal.abort())).rejects.toMatchObject({ code: "DOCTOR_INTERRUPTED" });

    const asking = new AbortController();
    const readRegistered: ArchiveOutside["readRegistered"] = () => {
      asking.abort();
      return never();
    };
    await expect(make({ ...slow, readRegistered }, asking.signal)).rejects.toMatchObject({
      code: "DOCTOR_INTERRUPTED",
    });

    const reading = new AbortController();
    const readSecretFiles: ArchiveOutside["readSecretFiles"] = () => {
      reading.abort();
      return Promise.resolve({ files: [], unread: [] });
    };
    const quick = {
      readRegistered: nothing,
      readSystemTexts: () => Promise.resolve({ kernel: "", osRelease: "", commandLine: "" }),
      readAgentState: () => Promise.reject(new Error()),
    };
    await expect(make({ ...slow, ...quick, readSecretFiles }, reading.signal)).rejects.toMatchObject({
      code: "DOCTOR_INTERRUPTED",
    });
    expect(saved).toBe(0);
  });
});
