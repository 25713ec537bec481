/** `ros-agent register --check`: tells for each step how it goes, and leaves nothing behind. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { residue } from "../../../../test/swtpm/index.ts";
import { createAuthority } from "../../../../test/registration/authority.ts";
import { HONEST_PAGES, PATH, TOKEN, honest } from "./registration-server.ts";
import { rosAgent } from "./ros-agent.ts";
import { openWorkplace, type Workplace } from "./workplace.ts";

let place: Workplace;

beforeAll(async () => {
  place = await openWorkplace({ withEkCertificate: true });
});

afterAll(async () => {
  await place.close();
});

beforeEach(() => {
  place.server.play({ pages: HONEST_PAGES });
});

interface CheckJson {
  readonly ok: boolean;
  readonly steps: readonly {
    readonly step: string;
    readonly outcome: string;
    readonly sentence: string;
    readonly mend?: string;
  }[];
}

async function check(
  ...args: readonly string[]
): Promise<{ code: number | null; report: CheckJson; outcomes: string[] }> {
  const { code, stdout, stderr } = await rosAgent(["register", "--check", "--json", ...args]);
  expect(stdout + stderr).not.toContain(TOKEN);
  const report = JSON.parse(stdout) as CheckJson;
  return { code, report, outcomes: report.steps.map(({ step, outcome }) => `${step} ${outcome}`) };
}

const OK_HERE = ["smbios ok", "tpm ok", "endorsement-key ok", "ek-certificate ok", "attestation-key ok", "url ok"];

describe("register --check", () => {
  it("goes through every step, and answers no challenge", async () => {
    let answers = 0;
    place.server.play({
      pages: HONEST_PAGES,
      visit: async (visit) => {
        visit.socket.on("message", () => answers++);
        await honest(visit);
      },
    });
    const { code, report, outcomes } = await check(place.url, ...place.usual);
    expect(outcomes).toEqual([...OK_HERE, "trust ok", "page ok", "challenge ok", "activation ok"]);
    expect(code).toBe(0);
    expect(report.ok).toBe(true);
    expect(place.server.dials).toHaveLength(1);
    expect(answers).toBe(0);
    expect(await residue(place.tpm.tcti)).toMatchObject({ transient: [], loadedSession: [], savedSession: [] });
  });

  it("says it in lines to people, with what to do", async () => {
    place.server.play({});
    const { code, stdout } = await rosAgent(["register", place.url, "--check", ...place.usual]);
    expect(code).toBe(5);
    expect(stdout).toMatch(/^endorsement key +ok +has the hash [0-9a-f]{64}$/m);
    expect(stdout).toMatch(/^registration page +FAILED +.*MachineRegistration does not exist$/m);
    expect(stdout).toMatch(/^ +Read the server's sentence/m);
    expect(stdout).toMatch(/^challenge +not tried$/m);
    expect(stdout).toContain("cannot register");
  });

  it("looks at the server although there is no TPM, and ends with the first failure's exit code", async () => {
    const { code, outcomes } = await check(
      place.url,
      "--protocol",
      "legacy",
      "--no-smbios",
      "--ca-cert",
      place.caFile,
      "--tcti",
      "device:/dev/none",
    );
    expect(code).toBe(8);
    expect(outcomes).toEqual([
      "tpm failed",
      "endorsement-key not-tried",
      "ek-certificate not-tried",
      "attestation-key not-tried",
      "url ok",
      "trust ok",
      "page ok",
      "challenge not-tried",
      "activation not-tried",
    ]);
  });

  it("does not go on with a server that it does not trust", async () => {
    const other = join(place.folder, "other.pem");
    await writeFile(other, createAuthority("another").certificatePem);
    const { code, outcomes } = await check(place.url, ...place.machine, "--ca-cert", other);
    expect(code).toBe(5);
    expect(outcomes).toEqual([...OK_HERE, "trust ok", "page failed", "challenge not-tried", "activation not-tried"]);
    expect(place.server.dials).toHaveLength(0);
  });

  it("warns where the server names another address than the one that was given", async () => {
    const body = `#cloud-config\nrancheros:\n    install:\n        registrationURL: https://elsewhere.test${PATH}\n`;
    place.server.play({ pages: { [PATH]: { status: 200, body } } });
    const { code, report, outcomes } = await check(place.url, ...place.usual);
    expect(code).toBe(0);
    expect(outcomes).toContain("page warning");
    const page = report.steps.find(({ step }) => step === "page");
    expect(page?.sentence).toContain("https://elsewhere.test/v1-rancheros/registration/5c29...");
  });

  it("says that a challenge is for somebody else", async () => {
    place.server.play({
      pages: HONEST_PAGES,
      visit: async ({ challenge }) => {
        await challenge(Buffer.concat([Buffer.from([0, 0x0b]), Buffer.alloc(32, 7)]));
      },
    });
    const { code, outcomes } = await check(place.url, ...place.usual);
    expect(code).toBe(7);
    expect(outcomes.slice(-2)).toEqual(["challenge ok", "activation failed"]);
  });
});
