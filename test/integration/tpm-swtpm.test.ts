/** The software TPM that tests, demo and bench stand on. */

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { isListening } from "../swtpm/is-listening.ts";
import { type Swtpm, authorityFiles, startSwtpm, tpm2 } from "../swtpm/index.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ros-swtpm-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function ekCertificate(swtpm: Swtpm): Promise<string> {
  const file = path.join(swtpm.stateFolder, "ek.der");
  await tpm2(swtpm.tcti, "nvread", "-C", "o", "-o", file, "0x01c00002");
  return file;
}

describe("startSwtpm", () => {
  it("starts several at once that share an authority, each with a key and certificate of its own", async () => {
    const authorityFolder = path.join(folder, "authority");
    const start = (name: string): Promise<Swtpm> =>
      startSwtpm({ stateFolder: path.join(folder, name), authorityFolder, withEkCertificate: true });
    const tpms = await Promise.all(["a", "b", "c"].map(start));
    try {
      const { rootCertificate, issuerCertificate } = authorityFiles(authorityFolder);
      const keys = new Set<string>();
      for (const swtpm of tpms) {
        const der = await ekCertificate(swtpm);
        const pem = execFileSync("openssl", ["x509", "-inform", "der", "-in", der]);
        const chain = ["-CAfile", rootCertificate, "-untrusted", issuerCertificate];
        const told = execFileSync("openssl", ["verify", "-ignore_critical", ...chain], { input: pem });
        expect(told.toString()).toContain("OK");
        keys.add(execFileSync("openssl", ["x509", "-noout", "-pubkey"], { input: pem }).toString());
      }
      expect(keys.size).toBe(3);
    } finally {
      await Promise.all(tpms.map((swtpm) => swtpm.stop()));
    }
    expect(await Promise.all(tpms.map(({ port }) => isListening(port)))).toEqual([false, false, false]);
    expect(statSync(authorityFolder).mode & 0o077).toBe(0);
  });

  it("starts again as the same TPM, and may be stopped twice", async () => {
    const hashes: string[] = [];
    for (let time = 0; time < 2; time++) {
      const swtpm = await startSwtpm({ stateFolder: folder, withEkCertificate: true });
      hashes.push(execFileSync("sha256sum", ["-b"], { input: await ekCertificateText(swtpm) }).toString());
      await swtpm.stop();
      await swtpm.stop();
    }
    expect(hashes[0]).toBe(hashes[1]);
  });

  it("dies with the process that started it, even when that one is killed", async () => {
    const script = [
      `import { startSwtpm } from ${JSON.stringify(path.join(import.meta.dirname, "../swtpm/index.ts"))};`,
      `const swtpm = await startSwtpm({ stateFolder: ${JSON.stringify(folder)}, withEkCertificate: false });`,
      "console.log(swtpm.port);",
      "setInterval(() => {}, 1000);",
    ].join("\n");
    const starter = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(starter.stdout.setEncoding("utf8"), "data")) as [string];
    const port = Number(line);
    expect(await isListening(port)).toBe(true);
    const exited = once(starter, "exit");
    starter.kill("SIGKILL");
    await exited;
    const deadline = performance.now() + 5_000;
    while ((await isListening(port)) && performance.now() < deadline) await delay(20);
    expect(await isListening(port)).toBe(false);
  });
});

async function ekCertificateText(swtpm: Swtpm): Promise<string> {
  return execFileSync("openssl", ["x509", "-inform", "der", "-in", await ekCertificate(swtpm), "-text"]).toString();
}
