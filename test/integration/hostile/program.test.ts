/** The hostile client as somebody runs it by hand. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { describe, expect, inject, it } from "vitest";
import { listInventories } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";

const MAIN = fileURLToPath(new URL("../../hostile/main.ts", import.meta.url));
const TIMEOUT_MS = 50_000;
const target = inject("controlPlane");
const used = useOperator(target, "program", { flags: ["--max-sessions=8"] });

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const { PATH = "", HOME = "/" } = process.env;
  return new Promise((resolve) => {
    const options = { env: { PATH, HOME, ...env }, timeout: TIMEOUT_MS };
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : typeof error.code === "number" ? error.code : -1, stdout, stderr });
    });
  });
}

/** As somebody has it who has his cluster from elsewhere. */
function foreignKubeconfig(): string {
  const file = path.join(used.folder, "kubeconfig.yaml");
  writeFileSync(file, stringify(JSON.parse(readFileSync(target.kubeconfigPath, "utf8"))), { mode: 0o600 });
  return file;
}

describe("node test/hostile/main.ts", () => {
  it("finds refused what has the word, in every group, and leaves nothing behind", async () => {
    const { url } = await used.makeDoor("door");
    const where = ["--namespace", used.namespace, "--only", "legacy,attested,doors"];
    const ran = await run([...where, url, "certificate"], { KUBECONFIG: foreignKubeconfig() });
    const unexpected = ran.stdout.split("\n").filter((line) => /^(NOT REFUSED|OTHERWISE)/.test(line));
    expect([unexpected, ran.stderr, ran.status]).toEqual([[], "", 0]);
    expect(ran.stdout).toMatch(/^[2-9]\d refused as they should be, 0 not$/m);
    // One of each group: rancherd's protocol, the other one, the doors.
    for (const line of [/^CHALLENGE_FAILED +close 1008 /m, /^EK_CERT.*BLE +http 400 /m, /^TRUST_.* http 403 /m]) {
      expect(ran.stdout).toMatch(line);
    }
    expect(await listInventories(target, used.namespace)).toEqual([]);
  });

  it("tells of what was not refused", async () => {
    // No operator at all refuses nothing.
    const url = "https://127.0.0.1:1/v1-rancheros/registration/x";
    const ran = await run(["--only", "legacy", "--tls", used.operator.httpsUrl, url, "no endorsement key"]);
    expect([ran.status, ran.stdout]).toEqual([1, expect.stringMatching(/^NOT REFUSED no endorsement key: /)]);
  });

  it("says how it is called", async () => {
    expect(await run(["--help"])).toMatchObject({ status: 0, stdout: expect.stringContaining("doors") as string });
    const ran = await run(["--only", "everything", "https://127.0.0.1/x"]);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining("there is no group everything")]);
  });
});
