/** `ros-agent get-tpm-hash` with software TPMs. */
import { createHash, createPublicKey } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import {
  residue,
  startSwtpm,
  startTpmProxy,
  tpm2,
  writeEkCertificate,
  type Swtpm,
  type TpmProxy,
} from "../../../../test/swtpm/index.ts";
import type { TpmHashJson } from "../../src/tpm-hash-json.ts";
import { errorOf, rosAgent, startRosAgent } from "./ros-agent.ts";

let folder: string;
let certified: Swtpm;
let bare: Swtpm;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "get-tpm-hash-"));
  certified = await startSwtpm({ stateFolder: join(folder, "certified"), withEkCertificate: true });
  bare = await startSwtpm({ stateFolder: join(folder, "bare"), withEkCertificate: false });
});

afterAll(async () => {
  await certified.stop();
  await bare.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A TPM that never answers; `asked` is when somebody waits for it. */
async function startSilentTpm(): Promise<{ proxy: TpmProxy; asked: Promise<void> }> {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const proxy = await startTpmProxy(certified.port, () => {
    resolve();
    return "silence";
  });
  return { proxy, asked };
}

describe("get-tpm-hash", () => {
  it("prints the hash and a newline, and nothing else", async () => {
    const { code, stdout, stderr } = await rosAgent(["get-tpm-hash", "--tcti", certified.tcti]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect(stderr).toBe("");
  });

  it("takes the TPM from TPM2TOOLS_TCTI as tpm2-tools do, and rather from the flag", async () => {
    const { stdout } = await rosAgent(["get-tpm-hash"], { TPM2TOOLS_TCTI: certified.tcti });
    const flag = ["get-tpm-hash", "--tcti", certified.tcti];
    expect(await rosAgent(flag, { TPM2TOOLS_TCTI: "device:/dev/none" })).toMatchObject({ code: 0, stdout });
  });

  it("tells with --json what the certificate says", async () => {
    const { stdout } = await rosAgent(["get-tpm-hash", "--json", "--tcti", certified.tcti]);
    const { hash, source } = JSON.parse(stdout) as TpmHashJson;
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(Object.keys(source)).toEqual(["kind", "nvIndex", "issuer", "subject", "notBefore", "notAfter"]);
    expect(source).toMatchObject({ kind: "certificate", nvIndex: "0x01c00002" });
    if (source.kind !== "certificate") return;
    expect(source.issuer).toContain("swtpm-localca");
    expect(new Date(source.notBefore ?? "").toISOString()).toBe(source.notBefore);
    expect(new Date(source.notAfter ?? "").toISOString()).toBe(source.notAfter);
  });

  it("is the hash of the default template's key where there is no certificate", async () => {
    const { stdout, stderr } = await rosAgent(["get-tpm-hash", "--json", "--tcti", bare.tcti]);
    const { source } = JSON.parse(stdout) as TpmHashJson;
    expect(Object.keys(source)).toEqual(["kind", "why"]);
    expect(source.kind).toBe("template");
    expect(stderr).toBe("");
    expect(await residue(bare.tcti)).toMatchObject({ transient: [], loadedSession: [], persistent: [] });
  });

  it("warns about garbage in the certificate's place, and prints the same hash", async () => {
    const before = await rosAgent(["get-tpm-hash", "--tcti", bare.tcti]);
    await writeEkCertificate(bare.tcti, Buffer.from("garbage"));
    const { code, stdout, stderr } = await rosAgent(["get-tpm-hash", "--tcti", bare.tcti]);
    expect(code).toBe(0);
    expect(stdout).toBe(before.stdout);
    expect(stderr).toContain("Warning: ");
    expect(stderr).toContain("0x01c00002");
    const json = JSON.parse((await rosAgent(["get-tpm-hash", "--json", "--tcti", bare.tcti])).stdout) as unknown;
    expect(json).toMatchObject({ source: { certificateProblem: { code: "TPM_EK_CERTIFICATE_UNREADABLE" } } });
  });

  it("is the same after the TPM was cleared, with a certificate and without: an installed machine stays who it is", async () => {
    for (const { tcti } of [certified, bare]) {
      const before = await rosAgent(["get-tpm-hash", "--tcti", tcti]);
      await tpm2(tcti, "clear", "-c", "p");
      const after = await rosAgent(["get-tpm-hash", "--tcti", tcti]);
      expect(after.code, after.stderr).toBe(0);
      expect(after.stdout).toBe(before.stdout);
    }
  });

  it("breaks off at Ctrl-C while the TPM is silent", async () => {
    const { proxy, asked } = await startSilentTpm();
    const patient = startRosAgent(["get-tpm-hash", "--json", "--tcti", proxy.tcti]);
    await Promise.race([asked, patient.outcome]);
    patient.child.kill("SIGINT");
    const outcome = await patient.outcome;
    expect(outcome.code).toBe(130);
    expect(errorOf(outcome)["code"]).toBe("TPM_INTERRUPTED");
    await proxy.stop();
  });

  it("ends at once at the second Ctrl-C, while it still cleans up", async () => {
    const { proxy, asked } = await startSilentTpm();
    const running = startRosAgent(["get-tpm-hash", "--json", "--tcti", proxy.tcti]);
    running.child.stderr?.once("data", () => running.child.kill("SIGINT"));
    await Promise.race([asked, running.outcome]);
    running.child.kill("SIGINT");
    const outcome = await running.outcome;
    expect(outcome.code).toBe(130);
    expect(outcome.stderr).toContain("once more to end at once");
    // No document: there was no time to tell anything.
    expect(outcome.stdout).toBe("");
    await proxy.stop();
  });

  it("gives the same key as tpm2-tools by hand", async () => {
    const context = join(folder, "ek.ctx");
    const pub = join(folder, "ek.pem");
    await tpm2(certified.tcti, "createek", "-Q", "-G", "rsa", "-c", context, "-u", pub, "-f", "pem");
    await tpm2(certified.tcti, "flushcontext", "-t");
    const der = createPublicKey(await readFile(pub)).export({ type: "spki", format: "der" });
    const { stdout } = await rosAgent(["get-tpm-hash", "--tcti", certified.tcti]);
    expect(stdout).toBe(`${createHash("sha256").update(der).digest("hex")}\n`);
  });
});
