/** What each check of the machine itself makes of what it was shown, one row a situation. */
import { describe, expect, it } from "vitest";

import { judgeClock, type ClockFacts } from "../../../src/doctor/judge-clock.ts";
import { judgeDisks, type FileSystem, type UnreadableFileSystem } from "../../../src/doctor/judge-disks.ts";
import { judgeBootEntry, judgeSlots, type BootFacts } from "../../../src/doctor/judge-slots.ts";
import { judgeSmbios } from "../../../src/doctor/judge-smbios.ts";
import { judgeTpmState } from "../../../src/doctor/judge-tpm.ts";
import type { TpmState } from "../../../src/tpm/index.ts";
import { told } from "./told.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

describe("the TPM's state", () => {
  const well: TpmState = {
    maker: "IBM SW",
    isLockedOut: false,
    failedLogins: 0,
    maxFailedLogins: 32,
    lockoutIntervalSeconds: 7200,
    isEndorsementEnabled: true,
    hasEndorsementPassword: false,
    hasOwnerPassword: true,
  };
  it.each<[Partial<TpmState>, RegExp]>([
    [{}, /^ok: is not locked/],
    [{ failedLogins: 3 }, /^warn DOCTOR_TPM_FAILED_LOGINS: .*3 of 32/],
    [{ isLockedOut: true, failedLogins: 32 }, /^fail TPM_LOCKOUT: .*32 of 32.*one in 7200 s/],
    [{ isLockedOut: true, lockoutIntervalSeconds: 0 }, /^fail TPM_LOCKOUT: .*forgets none/],
    [{ isEndorsementEnabled: false }, /^fail TPM_HIERARCHY_DISABLED/],
    [{ hasEndorsementPassword: true }, /^fail TPM_AUTHORISATION_SET/],
  ])("with %j is told as %s", (change, expected) => {
    expect(told(() => judgeTpmState({ ...well, ...change }))).toMatch(expected);
  });
});

describe("SMBIOS", () => {
  const system = { Manufacturer: "Dell Inc.", "Product Name": "R640", "Serial Number": "CN7" };
  it.each([
    [system, /^ok: Dell Inc., R640, CN7$/],
    [{ ...system, "Serial Number": "To Be Filled By O.E.M." }, /^warn DOCTOR_SMBIOS_NAMELESS: .*Serial Number "To Be/],
    [{ ...system, "Serial Number": "0000000" }, /^warn DOCTOR_SMBIOS_NAMELESS/],
    [
      { Manufacturer: "QEMU", "Product Name": "Standard PC" },
      /^warn DOCTOR_SMBIOS_NAMELESS: the firmware says: no Serial Number$/,
    ],
    [{ ...system, "Product Name": "System Product Name" }, /^warn DOCTOR_SMBIOS_NAMELESS/],
    [{ ...system, "Serial Number": "0123456789" }, /^warn DOCTOR_SMBIOS_NAMELESS/],
  ])("that says %j is told as %s", (information, expected) => {
    expect(
      told(() =>
        judgeSmbios({
          version: { major: 3, minor: 3, revision: 0 },
          smbios: { "System Information": information },
          fault: undefined,
        }),
      ),
    ).toMatch(expected);
  });
});

describe("the clock", () => {
  const NOW = Date.UTC(2026, 5, 1);
  it.each<[Partial<ClockFacts>, RegExp]>([
    [{ serverMs: NOW + 900 }, /^ok: agrees/],
    [{ serverMs: NOW, isKept: false }, /^ok: .*although nothing keeps/],
    [{ serverMs: NOW - 29_000 }, /^ok/],
    [{ serverMs: NOW - 31_000 }, /^warn DOCTOR_CLOCK_WRONG: .*31 s ahead/],
    [{ serverMs: NOW + 3 * 60_000 }, /^warn DOCTOR_CLOCK_WRONG: .*3 min behind/],
    [{ serverMs: NOW + 86_400_000 * 3 }, /^fail DOCTOR_CLOCK_WRONG: .*3 days behind/],
    [{ nowMs: 0, serverMs: NOW }, /^fail DOCTOR_CLOCK_WRONG: it is 1970/],
    [{ isKept: true }, /^ok: .*kept right/],
    [{ isKept: false }, /^warn DOCTOR_CLOCK_UNKEPT/],
    [{}, /^ok: .*nothing to compare/],
  ])("with %j is told as %s", (change, expected) => {
    expect(told(() => judgeClock({ nowMs: NOW, serverMs: undefined, isKept: undefined, ...change }))).toMatch(expected);
  });
});

describe("disks", () => {
  const state: FileSystem = {
    path: "/var/lib/rancheros",
    use: "state",
    totalBytes: 20 * GIB,
    freeBytes: 10 * GIB,
    freeFilesShare: 0.9,
    isReadOnly: false,
    isVolatile: false,
  };
  const oem: FileSystem = { ...state, path: "/oem", use: "configuration", totalBytes: 100 * MIB, freeBytes: 50 * MIB };
  const rancher: FileSystem = { ...state, path: "/var/lib/rancher", use: "data" };
  const broken: UnreadableFileSystem = { path: "/var/log", failure: "EIO: i/o error, statfs '/var/log'" };
  it.each<[(FileSystem | UnreadableFileSystem)[], RegExp]>([
    [[state, oem], /^ok: \/var\/lib\/rancheros 10.0 GiB of 20.0 GiB free; \/oem 50 MiB of 100 MiB free$/],
    [[{ ...state, isReadOnly: true }], /^fail DOCTOR_DISK_READ_ONLY/],
    [[{ ...state, isVolatile: true }], /^fail UPGRADE_STATE_VOLATILE/],
    [[{ ...state, freeBytes: 63 * MIB }], /^fail UPGRADE_NO_ROOM: .*63 MiB free, and 64 MiB/],
    [[state, { ...oem, freeBytes: 1 * MIB }], /^fail DOCTOR_DISK_FULL: \/oem/],
    [[state, { ...oem, freeBytes: 0, isReadOnly: true }], /^ok/],
    [
      [state, { ...rancher, isReadOnly: true }, { ...rancher, path: "/var/log", isReadOnly: true }, oem],
      /^warn DOCTOR_DISK_READ_ONLY: \/var\/lib\/rancher, \/var\/log: mounted read-only$/,
    ],
    [
      [
        { ...state, isReadOnly: true },
        { ...rancher, isReadOnly: true },
      ],
      /^fail DOCTOR_DISK_READ_ONLY/,
    ],
    [[state, { ...rancher, isReadOnly: true }, { ...oem, freeBytes: 1 * MIB }], /^fail DOCTOR_DISK_FULL: \/oem/],
    [[{ ...state, freeBytes: 0.9 * GIB }], /^warn DOCTOR_DISK_FULL/],
    [[{ ...state, totalBytes: 1000 * GIB, freeBytes: 49 * GIB }], /^ok/],
    [[{ ...state, freeFilesShare: 0.01 }], /^warn DOCTOR_DISK_FULL: .*hardly any further files/],
    [[{ ...state, freeFilesShare: undefined }], /^ok/],
    [[{ ...state, freeFilesShare: 0 }], /^fail DOCTOR_DISK_FULL/],
    [[state, oem, broken], /^fail DOCTOR_DISK_UNREADABLE: \/var\/log .*EIO/],
    [
      [{ ...oem, freeBytes: 0 }, broken, { ...broken, path: "/oem" }],
      /^fail DOCTOR_DISK_UNREADABLE: .*\/var\/log.*; \/oem /,
    ],
  ])("%# are told as %s", (systems, expected) => {
    expect(told(() => judgeDisks(systems))).toMatch(expected);
  });
});

const DIGEST = `sha256:${"ab".repeat(32)}`;
const STAMP = {
  version: 1,
  reference: `r.test/os@${DIGEST}`,
  digest: DIGEST,
  writtenAt: "2026-06-01",
  files: 9,
} as const;

describe("slots", () => {
  const started = { slot: "a", isTrial: false } as const;
  it.each([
    [
      { running: STAMP, other: "none" as const },
      /^ok: runs a \(r.test\/os@sha256:abab.*\); b holds nothing to go back to$/,
    ],
    [{ running: STAMP, other: STAMP }, /b holds r.test\/os@sha256/],
    [{ running: STAMP, other: undefined }, /^ok: .*b holds what cannot be seen now/],
    [
      { running: STAMP, other: STAMP, unproven: "b" as const },
      /^ok: .*b holds r.test\/os@\S+, never found good here: nothing to go back to$/,
    ],
    [{ running: STAMP, other: STAMP, unproven: "a" as const }, /b holds r.test\/os@\S+$/],
    [{ running: undefined, other: STAMP }, /^warn SLOT_EMPTY/],
  ])("%j are told as %s", (facts, expected) => {
    expect(told(() => judgeSlots({ started, unproven: undefined, ...facts }))).toMatch(expected);
  });

  const well: BootFacts = {
    started,
    words: { good: "a", try: undefined, reset: false },
    bootCheck: undefined,
    digest: DIGEST,
  };
  const failed = {
    version: 1,
    slot: "b",
    digest: DIGEST,
    bootId: "1",
    at: "2026-06-01T00:00:00Z",
    outcome: "failed",
    failures: ["the unit x.service has failed"],
  } as const;
  it.each<[Partial<BootFacts>, RegExp]>([
    [{}, /^ok: slot a is good, and starts next$/],
    [{ words: { ...well.words, reset: true } }, /^warn DOCTOR_BOOT_TRIAL_PENDING: .*resets/],
    [{ words: { ...well.words, try: "b" } }, /^warn DOCTOR_BOOT_TRIAL_PENDING: .*tries slot b/],
    [{ started: { slot: "b", isTrial: true } }, /^warn DOCTOR_BOOT_TRIAL_PENDING: slot b is on trial/],
    [{ started: { slot: "b", isTrial: true }, bootCheck: failed }, /^warn DOCTOR_BOOT_TRIAL_FAILED/],
    [{ started: { slot: "b", isTrial: true }, bootCheck: { ...failed, digest: "sha256:old" } }, /on trial/],
    [{ bootCheck: failed }, /^warn DOCTOR_BOOT_TRIAL_FAILED: slot b was tried in vain .*x.service/],
    [{ bootCheck: { ...failed, slot: "a", outcome: "good", failures: [] } }, /^ok/],
    [{ words: { ...well.words, good: "b" } }, /^warn DOCTOR_BOOT_TRIAL_PENDING: slot a runs, and b starts next/],
  ])("with %j the boot entry is told as %s", (change, expected) => {
    expect(told(() => judgeBootEntry({ ...well, ...change }))).toMatch(expected);
  });
});
