/** What the tests of `doctor` share: a machine that is a folder, and the report as one reads it. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "vitest";

import { writeSystemTables } from "../../../../test/smbios/system-tables.ts";
import { AlreadyTold } from "../../src/already-told.ts";
import { Doctor } from "../../src/commands/doctor.ts";
import { exitCodeOf } from "../../src/exit-codes.ts";
import { TOKEN } from "./registration-server.ts";

export interface DoctorGround {
  /** The machine's /. */
  readonly root: string;
  /** Flags that name it, and tables of SMBIOS. */
  readonly flags: readonly string[];
  write(path: string, text: string): Promise<string>;
  remove(): Promise<void>;
}

export interface Line {
  readonly outcome: string;
  /** Empty where nothing is wrong. */
  readonly code: string;
  readonly sentence: string;
  readonly mend: string;
}

export interface Diagnosis {
  readonly exitCode: number | null;
  readonly ok: boolean;
  readonly lines: Readonly<Record<string, Line>>;
  /** As `fail TPM_LOCKOUT`, `ok`, `skipped`. */
  readonly short: Readonly<Record<string, string>>;
}

export async function openDoctorGround(): Promise<DoctorGround> {
  const root = await mkdtemp(join(tmpdir(), "doctor-"));
  for (const folder of ["var/lib/rancheros", "run/rancheros"]) await mkdir(join(root, folder), { recursive: true });
  const dump = join(root, "dmi");
  writeSystemTables(dump, {
    manufacturer: "Test Inc.",
    productName: "Model T",
    serialNumber: "S1",
    uuidHex: "00112233445566778899aabbccddeeff",
  });
  return {
    root,
    flags: [
      ["--host-root", root],
      ["--state-folder", join(root, "var/lib/rancheros")],
      ["--run-folder", join(root, "run/rancheros")],
      ["--smbios-dump", dump],
    ].flat(),
    async write(path, text) {
      const file = join(root, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text, { mode: 0o600 });
      return file;
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** The command without its process, which would cost more than what it does. */
class HeardDoctor extends Doctor {
  stdout = "";
  stderr = "";

  protected override print(text: string): void {
    this.stdout += text;
  }

  protected override remark(text: string): void {
    this.stderr += text;
  }
}

/** Every fault has a code and a sentence on what to do, and no text has the registration's token. */
export async function doctor(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Diagnosis> {
  const { PATH, HOME } = process.env;
  const { signal } = new AbortController();
  const command = new HeardDoctor([...args, "--json"], {
    environment: { PATH, HOME, ...environment },
    signal,
    describeCommands: () => Promise.resolve([]),
  });
  let code = 0;
  try {
    await command.run();
  } catch (error) {
    if (!(error instanceof AlreadyTold)) throw error;
    code = exitCodeOf(error.failure);
  }
  const { stdout, stderr } = command;
  expect(stdout + stderr).not.toContain(TOKEN);
  const report: unknown = JSON.parse(stdout);
  if (!isRecord(report) || !Array.isArray(report["checks"])) throw new Error(`no report: ${stdout}`);
  const lines: Record<string, Line> = {};
  const short: Record<string, string> = {};
  for (const found of report["checks"]) {
    if (!isRecord(found)) throw new Error(`no finding: ${stdout}`);
    const line = {
      outcome: text(found, "outcome"),
      code: text(found, "code"),
      sentence: text(found, "sentence"),
      mend: text(found, "mend"),
    };
    expect(line.sentence).toMatch(/\S/);
    if (line.outcome === "fail" || line.outcome === "warn") {
      expect(line.code).toMatch(/^[A-Z_0-9]+$/);
      expect(line.mend).toMatch(/\.$/);
    }
    lines[text(found, "check")] = line;
    short[text(found, "check")] = line.code === "" ? line.outcome : `${line.outcome} ${line.code}`;
  }
  return { exitCode: code, ok: report["ok"] === true, lines, short };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Empty for null. */
function text(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : "";
}

export function only(...names: readonly string[]): readonly string[] {
  return names.flatMap((name) => ["--only", name]);
}
