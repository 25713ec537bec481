/** Certificates that a TPM holds beside its endorsement key's: read where they lie, and no hindrance where they cannot be. */
import { randomBytes } from "node:crypto";

import type { TpmEvent } from "@rancheros/agent/tpm";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import {
  defineIndex,
  failWith,
  handles,
  residue,
  setHierarchyAuth,
  startTpmProxy,
  TPM_CC,
  tpm2,
  undefineIndex,
  writeIndex,
  type Tampering,
} from "../../../../../test/swtpm/index.ts";
import { createAuthority } from "../../../../../test/software-tpm/index.ts";
import { type Machine, type OpenSettings, startMachine, withTpm } from "./machine.ts";

const made = Array.from({ length: 3 }, (_none, level) =>
  createAuthority(`On-die CA ${level}`, undefined, { keyType: "ec" }),
);
const chain = made.map(({ der }) => der);
const whole = Buffer.concat(chain);
let machine: Machine;

beforeAll(async () => {
  machine = await startMachine({ withEkCertificate: true });
});
afterAll(() => machine.dispose());
afterEach(async () => {
  const indices = (await handles(machine.swtpm.tcti, "nv-index")).filter((index) => Number(index) >= 0x01c000ff);
  for (const index of indices) await undefineIndex(machine.swtpm.tcti, index);
});

/** In upper layers' order: the key first. */
async function read(settings: OpenSettings = {}): Promise<readonly Buffer[]> {
  return withTpm(
    machine,
    async (tpm) => {
      await tpm.readEndorsementKey();
      return tpm.readEndorsementChain();
    },
    settings,
  );
}

async function place(contents: Readonly<Record<string, Uint8Array>>): Promise<void> {
  for (const [index, bytes] of Object.entries(contents)) await writeIndex(machine.swtpm.tcti, index, bytes);
}

describe("the chain in a TPM", () => {
  it.each<[string, Readonly<Record<string, Uint8Array>>]>([
    ["one behind the other, as Intel's", { "0x01c00100": whole }],
    ["cut in two by the size of an index", { "0x01c00100": whole.subarray(0, 600), "0x01c00101": whole.subarray(600) }],
    ["with a gap between indices", { "0x01c00100": whole.subarray(0, 600), "0x01c001ff": whole.subarray(600) }],
    ["filled up", { "0x01c00100": Buffer.concat([whole, Buffer.alloc(70, 0xff)]) }],
    ["beside indices that are others'", { "0x01c000ff": randomBytes(9), "0x01c00100": whole, "0x01c00200": whole }],
  ])("is read where it lies %s, and nothing is left behind", async (_how, contents) => {
    await place(contents);
    const before = await residue(machine.swtpm.tcti);
    expect(await read()).toEqual(chain);
    expect(await residue(machine.swtpm.tcti)).toEqual(before);
  });

  it("is none in most, which one command tells; it is asked once, and not at all without a certificate", async () => {
    const programs: string[] = [];
    const onEvent = (event: TpmEvent): void => {
      if (event.kind === "command-started") programs.push(event.program);
    };
    const twice = withTpm(machine, (tpm) => Promise.all([tpm.readEndorsementChain(), tpm.readEndorsementChain()]), {
      onEvent,
    });
    expect(await twice).toEqual([[], []]);
    expect(programs).toEqual(["tpm2_nvread", "tpm2_getcap"]);
    await place({ "0x01c00200": whole });
    expect(await read()).toEqual([]);
    const bare = await startMachine({ withEkCertificate: false });
    try {
      await writeIndex(bare.swtpm.tcti, "0x01c00100", whole);
      expect(await withTpm(bare, (tpm) => tpm.readEndorsementChain())).toEqual([]);
    } finally {
      await bare.dispose();
    }
  });

  it("is read with the index's own authorisation where the owner has a password", async () => {
    await place({ "0x01c00100": whole });
    await setHierarchyAuth(machine.swtpm.tcti, "owner", "sesame");
    try {
      expect(await read()).toEqual(chain);
    } finally {
      await tpm2(machine.swtpm.tcti, "changeauth", "-c", "owner", "-p", "sesame", "");
    }
  });

  it("is what can be read of it: an index that was never written, or is nobody's to read, is left out", async () => {
    const { tcti } = machine.swtpm;
    await defineIndex(tcti, "0x01c00100", 90);
    await place({ "0x01c00101": whole });
    const attributes = "ppwrite|writedefine|ppread|no_da|platformcreate";
    await tpm2(tcti, "nvdefine", "-C", "p", "-s", "90", "-a", attributes, "0x01c00102");
    await place({ "0x01c00103": randomBytes(50) });
    expect(await read()).toEqual(chain);
  });

  it("has bounds: so many indices, and so many bytes", async () => {
    const numbers = Array.from({ length: 12 }, (_none, at) => `0x01c001${at.toString(16).padStart(2, "0")}`);
    await place(Object.fromEntries(numbers.slice(0, 8).map((index) => [index, randomBytes(9)])));
    await place({ "0x01c00108": whole });
    expect(await read()).toEqual([]);
    await place(Object.fromEntries(numbers.slice(0, 4).map((index) => [index, Buffer.alloc(2000)])));
    await place({ "0x01c00104": whole });
    // 192 bytes are left for it.
    expect(await read()).toEqual([]);
    await place({ "0x01c00103": whole });
    expect(await read()).toEqual(chain);
  }, 60_000);
});

describe("a TPM that will not tell", () => {
  async function readThrough(tamper: (commandCode: number, command: Uint8Array) => Tampering, settings?: OpenSettings) {
    const proxy = await startTpmProxy(machine.swtpm.port, tamper);
    try {
      return await read({ tcti: proxy.tcti, ...settings });
    } finally {
      await proxy.stop();
    }
  }
  /** TPM2_GetCapability of TPM_CAP_HANDLES from the first NV index on. */
  const isListing = (code: number, command: Uint8Array): boolean =>
    code === TPM_CC.GetCapability && Buffer.from(command).includes(Buffer.from("0000000101000000", "hex"));
  const isChain = (code: number, command: Uint8Array): boolean =>
    code === TPM_CC.NvRead && Buffer.from(command).includes(Buffer.from("01c00100", "hex"));

  it.each([
    ["what it holds", (code: number, command: Uint8Array) => (isListing(code, command) ? failWith(0x101) : undefined)],
    [
      "what is in the index",
      (code: number, command: Uint8Array) => (isChain(code, command) ? failWith(0x101) : undefined),
    ],
  ])("%s has no chain", async (_what, tamper) => {
    await place({ "0x01c00100": whole });
    expect(await readThrough(tamper)).toEqual([]);
  });

  it("and says nothing at all is an error, as everywhere", async () => {
    await place({ "0x01c00100": whole });
    const silent = readThrough((code, command) => (isChain(code, command) ? "silence" : undefined), {
      timeoutMs: 1_500,
    });
    await expect(silent).rejects.toMatchObject({ code: "TPM_TIMED_OUT" });
  });
});
