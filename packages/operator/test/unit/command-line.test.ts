/** The operator's executable, given what it cannot use, and stopped before it could begin. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const MAIN = path.resolve(import.meta.dirname, "../../src/main.ts");
const LONGEST_MS = 60_000;
/** Nobody listens there, and nothing is needed of it: the files are read before. */
const KUBECONFIG = {
  apiVersion: "v1",
  kind: "Config",
  "current-context": "none",
  clusters: [{ name: "none", cluster: { server: "https://127.0.0.1:1" } }],
  users: [{ name: "none", user: { token: "none" } }],
  contexts: [{ name: "none", context: { cluster: "none", user: "none" } }],
};
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "operator-line-"));
  writeFileSync(path.join(folder, "kubeconfig"), JSON.stringify(KUBECONFIG));
  writeFileSync(path.join(folder, "text"), "no certificate\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stderr: string;
}

async function operator(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { timeout: LONGEST_MS, cwd: folder }, (error, _stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stderr });
    });
  });
}

const SERVING = [
  "--kubeconfig=kubeconfig",
  "--https-listen=127.0.0.1:0",
  "--health-listen=none",
  "--leader-elect=false",
];

describe("rancheros-operator", () => {
  it.each([
    ["--ca-file", ["--ca-file=nope"]],
    ["--tls-cert-file", ["--tls-cert-file=nope", "--tls-key-file=text"]],
    ["--tls-key-file", ["--tls-cert-file=text", "--tls-key-file=nope"]],
    ["--registry-ca", ["--registry-ca=nope"]],
    ["--defaults-file", ["--defaults-file=nope"]],
  ])("names the setting and the file where %s is not there", async (flag, args) => {
    const { code, stderr } = await operator(...SERVING, ...args);
    expect(stderr).toContain(`Error: ${flag}: "nope" cannot be read: ENOENT`);
    expect(stderr).toContain("(SETTINGS_FILE_UNREADABLE)");
    expect(code).toBe(2);
  });

  it("says the same of a file that is to be displayed", async () => {
    const { code, stderr } = await operator("display", "--file", "nope");
    expect(stderr).toMatch(/^Error: --file: "nope" cannot be read: ENOENT.*\n.*\(SETTINGS_FILE_UNREADABLE\)\n$/);
    expect(code).toBe(2);
  });

  it("names the file in which there is no certificate", async () => {
    const registry = await operator(...SERVING, "--registry-ca=text");
    expect(registry.stderr).toContain('Error: --registry-ca "text" has no certificate in it');
    const ca = await operator(...SERVING, "--ca-file=text");
    expect(ca.stderr).toContain("Error: text: no certificate\nGive the CA's certificate as PEM");
    expect([registry.code, ca.code]).toEqual([2, 1]);
  });

  it.each([
    ["crds", "foo"],
    ["crds", "--server-url=https://x"],
    ["version", "extra"],
  ])("takes nothing behind %s, not %j", async (...args) => {
    const { code, stderr } = await operator(...args);
    expect(stderr).toContain(`${args[0]} takes nothing else`);
    expect(code).toBe(2);
  });

  it("ends well where it is stopped while the API server is away", async () => {
    const child = spawn(process.execPath, [MAIN, ...SERVING, "--server-url=https://x.test"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: LONGEST_MS,
      killSignal: "SIGKILL",
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (said += data.toString()));
    const ended = once(child, "exit");
    // Whatever it says first is about the API server that it waits for.
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    expect(said).toContain("stopping");
    expect(said).not.toContain("Error:");
  });
});
