import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TpmError } from "@rancheros/agent/tpm";
import { createHandleKeeper, parseHandles } from "../../../src/tpm/handle-keeper.ts";
import { decodeResponseCode } from "../../../src/tpm/response-code.ts";
import { parseTcti } from "../../../src/tpm/tcti.ts";
import type { Tpm2, ToolArgument } from "../../../src/tpm/tpm2.ts";

/** The handle table of a TPM behind the tools: getcap and flushcontext, and nothing else. */
class HandleTable implements Tpm2 {
  readonly handles: Set<string>;
  readonly commands: string[] = [];

  constructor(...handles: readonly string[]) {
    this.handles = new Set(handles);
  }

  run(): Promise<Uint8Array> {
    return Promise.reject(new Error("cleaning up must not be interruptible"));
  }

  makeKey(): Promise<void> {
    return Promise.reject(new Error("cleaning up makes no keys"));
  }

  cleanUp(tool: string, ...args: readonly ToolArgument[]): Promise<Uint8Array> {
    const [argument = ""] = args.flat();
    this.commands.push(`${tool} ${argument}`);
    if (tool === "getcap") {
      const prefix = argument === "handles-transient" ? "0x80" : "0x02";
      const present = [...this.handles].filter((handle) => handle.startsWith(prefix));
      return Promise.resolve(Buffer.from(present.map((handle) => `- ${handle}\n`).join("")));
    }
    if (this.handles.delete(argument)) return Promise.resolve(Buffer.alloc(0));
    const response = decodeResponseCode(0x910);
    return Promise.reject(new TpmError("TPM_COMMAND_FAILED", "gone", { response }));
  }
}

const RAW = parseTcti("swtpm:port=1");
const MANAGED = parseTcti("device:/dev/tpmrm0");

describe("createHandleKeeper", () => {
  it("removes what came in since it first looked, and nothing that was there before", async () => {
    const tpm = new HandleTable("0x80000000", "0x02000000");
    const keeper = createHandleKeeper(tpm, RAW);
    await keeper.guard(async () => void tpm.handles.add("0x80000001").add("0x80000002"));
    await keeper.flushLeftovers();
    expect([...tpm.handles]).toEqual(["0x80000000", "0x02000000"]);
  });

  it("makes room before the next key, and cleans up after it as well", async () => {
    const tpm = new HandleTable();
    const keeper = createHandleKeeper(tpm, RAW);
    await keeper.guard(async () => void tpm.handles.add("0x80000000"));
    await keeper.guard(async () => {
      expect(tpm.handles.size).toBe(0);
      tpm.handles.add("0x80000000");
    });
    await keeper.flushLeftovers();
    expect(tpm.handles.size).toBe(0);
  });

  it("removes what a command left that failed, its session too", async () => {
    const tpm = new HandleTable("0x02000000");
    const keeper = createHandleKeeper(tpm, RAW);
    const killed = keeper.guard(() => {
      tpm.handles.add("0x80000000").add("0x02000001");
      return Promise.reject(new Error("killed"));
    });
    await expect(killed).rejects.toThrow("killed");
    keeper.suspectSessions();
    await keeper.flushLeftovers();
    expect([...tpm.handles]).toEqual(["0x02000000"]);
  });

  it("asks the TPM nothing when nothing was made, or when a resource manager cleans up", async () => {
    const tpm = new HandleTable();
    await createHandleKeeper(tpm, RAW).flushLeftovers();
    const managed = createHandleKeeper(tpm, MANAGED);
    expect(await managed.guard(() => Promise.resolve("done"))).toBe("done");
    managed.suspectSessions();
    await managed.flushLeftovers();
    await managed.flushSession();
    expect(tpm.commands).toEqual([]);
  });

  it("flushes a saved session, which outlives its process under a resource manager as well", async () => {
    const tpm = new HandleTable("0x03000000");
    const keeper = createHandleKeeper(tpm, MANAGED);
    keeper.keepSession("0x03000000");
    await keeper.flushSession();
    await keeper.flushSession();
    expect(tpm.handles.size).toBe(0);
    expect(tpm.commands).toEqual(["flushcontext 0x03000000"]);
  });

  it("takes a handle that is gone already for a success", async () => {
    const tpm = new HandleTable();
    const keeper = createHandleKeeper(tpm, RAW);
    keeper.keepSession("0x03000007");
    await keeper.flushSession();
    expect(tpm.commands).toEqual(["flushcontext 0x03000007"]);
  });
});

describe("parseHandles", () => {
  it("reads what tpm2_getcap 5.4 prints", () => {
    expect(parseHandles("- 0x80000000\n- 0x80000001\n")).toEqual(["0x80000000", "0x80000001"]);
    expect(parseHandles("")).toEqual([]);
  });

  it("throws its own error for anything else, whatever it is", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          for (const handle of parseHandles(text)) expect(handle).toMatch(/^0x[0-9a-f]+$/i);
        } catch (error) {
          expect(error).toMatchObject({ code: "TPM_NONSENSE" });
        }
        expect(() => parseHandles(`${text}!`)).toThrow(expect.objectContaining({ code: "TPM_NONSENSE" }));
      }),
    );
  });
});
