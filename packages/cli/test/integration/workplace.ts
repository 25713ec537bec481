/** What the tests of `register` share: a software TPM, captured SMBIOS tables, an authority, a server, a place for output. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";

import { writeSystemTables } from "../../../../test/smbios/system-tables.ts";
import { residue, startSwtpm, type Swtpm } from "../../../../test/swtpm/index.ts";
import { createAuthority, type Authority } from "../../../../test/registration/authority.ts";
import { HONEST_PAGES, PATH, TOKEN, startRegistrationServer, type RegistrationServer } from "./registration-server.ts";
import { errorOf, rosAgent, type Outcome } from "./ros-agent.ts";

export interface Workplace {
  readonly folder: string;
  readonly tpm: Swtpm;
  readonly authority: Authority;
  readonly server: RegistrationServer;
  readonly url: string;
  readonly caFile: string;
  /** Flags that name the protocol, which is rancherd's here, the TPM and the SMBIOS tables. */
  readonly machine: readonly string[];
  /** Flags that name the CA as well. */
  readonly usual: readonly string[];
  /** A file in an empty folder of its own. */
  output(): Promise<string>;
  close(): Promise<void>;
}

let outputs = 0;

export async function openWorkplace(options: { readonly withEkCertificate: boolean }): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), "register-"));
  const tpm = await startSwtpm({ stateFolder: join(folder, "tpm"), withEkCertificate: options.withEkCertificate });
  const authority = createAuthority("register test");
  const server = await startRegistrationServer(authority.issue({ names: ["localhost", "registration.test"] }));
  server.play({ pages: HONEST_PAGES });
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, authority.certificatePem);
  const dump = join(folder, "dmi");
  writeSystemTables(dump, {
    manufacturer: "Test Inc.",
    productName: "Model T",
    serialNumber: "S1",
    uuidHex: "00112233445566778899aabbccddeeff",
  });
  const machine = ["--protocol", "legacy", "--tcti", tpm.tcti, "--smbios-dump", dump];
  return {
    folder,
    tpm,
    authority,
    server,
    url: `https://localhost:${server.port}${PATH}`,
    caFile,
    machine,
    usual: [...machine, "--ca-cert", caFile],
    async output() {
      const place = join(folder, `output-${outputs++}`);
      await mkdir(place);
      return join(place, "config.yaml");
    },
    async close() {
      await server.stop();
      await tpm.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Failure {
  readonly exitCode: number;
  readonly code: string;
  /** Must stand in the message. */
  readonly says?: string | RegExp;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly retry?: unknown;
}

/**
 * Registers in vain: with the code, the exit code and the sentence that are expected, nothing written, nothing proven,
 * nothing left in the TPM, and the registration token in no text.
 */
export async function expectFailure(
  place: Workplace,
  args: readonly string[],
  failure: Failure,
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const output = await place.output();
  const outcome = await rosAgent(["register", ...args, "--output", output, "--json"], environment);
  expect(outcome.code, outcome.stdout + outcome.stderr).toBe(failure.exitCode);
  const error = errorOf(outcome);
  expect(error["code"], outcome.stdout).toBe(failure.code);
  expect(String(error["mend"])).toMatch(/\S/);
  if (failure.says !== undefined) expect(String(error["message"])).toMatch(failure.says);
  if (failure.details !== undefined) expect(error["details"]).toMatchObject(failure.details);
  if (failure.retry !== undefined) expect(error["retry"]).toEqual(failure.retry);
  expect(outcome.stdout + outcome.stderr).not.toContain(TOKEN);
  expect(await readdir(join(output, ".."))).toEqual([]);
  expect(place.server.proven).toHaveLength(0);
  expect(await residue(place.tpm.tcti)).toMatchObject({ transient: [], loadedSession: [], savedSession: [] });
  return outcome;
}
