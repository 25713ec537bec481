/** A daemon on a folder as machine, whose operator answers in memory. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runDaemon } from "@rancheros/agent/daemon";
import { RegistrationError, type MachineSession, type SessionKeeper } from "@rancheros/agent/registration";
import type { ContainerPort } from "@rancheros/agent/upgrade";
import { readAgentState } from "@rancheros/agent/by-hand";
import { EMPTY_REPORT, PROTOCOL_VERSION, sealForSession, writeSealedAnswer } from "@rancheros/protocol/attestation";
import { afterEach } from "vitest";

import { ADMISSION, KEY, MACHINE } from "../../unit/operator-link/admitted-machine.ts";
import { folderOutside } from "./folder-outside.ts";

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** An operator with one answer to whoever asks for a plan, which keeps each status that it is told. */
export function operatorOf(answer: Readonly<Record<string, unknown>>, isAway: () => boolean = () => false) {
  const told: Readonly<Record<string, unknown>>[] = [];
  let asked = 0;
  const replyTo = (endpoint: string, body: Uint8Array | undefined): unknown => {
    if (endpoint === "status") {
      told.push(JSON.parse(Buffer.from(body ?? []).toString()));
      return { protocol: PROTOCOL_VERSION, holdsSlot: false, nextStatusInSeconds: 60 };
    }
    return { protocol: PROTOCOL_VERSION, machine: MACHINE, approval: "Approved", nextAskInSeconds: 1 };
  };
  const session: MachineSession = {
    admission: ADMISSION,
    send({ endpoint, body }) {
      if (isAway()) return Promise.reject(new RegistrationError("REGISTRATION_UNREACHABLE", "nobody answers"));
      if (endpoint !== "plan") {
        const reply = Buffer.from(JSON.stringify(replyTo(endpoint, body)));
        return Promise.resolve({ status: 200, headers: {}, body: reply });
      }
      asked += 1;
      const plain = Buffer.from(JSON.stringify({ protocol: PROTOCOL_VERSION, machine: MACHINE, ...answer }));
      const sealed = sealForSession(plain, "plan", KEY, Buffer.alloc(12, 1));
      const reply = writeSealedAnswer({ protocol: PROTOCOL_VERSION, sealed });
      return Promise.resolve({ status: 200, headers: {}, body: reply });
    },
    ask: async (request, read) => read((await session.send(request)).body),
  };
  const keeper: SessionKeeper = {
    with: (work) => work(session),
    renew: () => Promise.reject(new Error("nobody asked for that")),
  };
  return {
    keeper,
    told,
    /** How often for a plan. */
    get asked() {
      return asked;
    },
  };
}

export interface Start {
  /** Of an earlier agent, whose machine it is. */
  readonly folder?: string;
  readonly bootId?: string;
}

/** @param journal  as it lies on the disk before the start */
export function startAgent(keeper: SessionKeeper, journal?: string, { folder = newFolder(), bootId }: Start = {}) {
  const over = new AbortController();
  const log: string[] = [];
  mkdirSync(join(folder, "proc/sys/kernel/random"), { recursive: true });
  mkdirSync(join(folder, "var/lib/rancheros"), { recursive: true });
  writeFileSync(join(folder, "proc/sys/kernel/random/boot_id"), `${bootId ?? "boot-1"}\n`);
  writeFileSync(join(folder, "proc/cmdline"), "root=LABEL=COS_ACTIVE\n");
  if (journal !== undefined) writeFileSync(join(folder, "var/lib/rancheros/upgrade.json"), journal);
  const unused = (): Promise<never> => Promise.reject(new Error("nothing is to be run"));
  const containers: ContainerPort = {
    find: unused,
    hold: () => undefined,
    pull: unused,
    removeImage: unused,
    ownImages: () => Promise.resolve([]),
    readImageFile: unused,
    run: unused,
    stop: unused,
  };
  const outside = folderOutside(folder, (message) => void log.push(message));
  const daemon = runDaemon({
    ...outside,
    containers,
    operator: { keeper, readReport: () => Promise.resolve({ ...EMPTY_REPORT, smbios: undefined }) },
    pid: process.pid,
    signal: over.signal,
  });
  const end = async (): Promise<void> => {
    over.abort();
    await daemon;
  };
  const readBack = (): string => readFileSync(join(outside.stateFolder, "upgrade.json"), "utf8");
  return { folder, log, end, journal: readBack, state: () => readAgentState(outside) };
}

function newFolder(): string {
  const folder = mkdtempSync(join(process.env["ROS_TEST_DISK"] ?? tmpdir(), "machine-"));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
