/** What scripts/build-agent and scripts/build-operator run: makes a program's files in a folder, where they are not there already. */
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildCommit } from "../../packages/cli/src/build-commit.ts";
import { ARCHITECTURES, type Architecture } from "./node-executable.ts";
import { buildProgram } from "./build-program.ts";
import { programNamed } from "./programs.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

function architecture(text: string): Architecture {
  const found = ARCHITECTURES.find((arch) => arch === text);
  if (found === undefined) throw new Error(`--arch takes one of ${ARCHITECTURES.join(", ")}, not ${text}`);
  return found;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      arch: { type: "string", default: process.arch },
      out: { type: "string" },
      commit: { type: "string" },
      "no-xz": { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  const [name = "", ...rest] = positionals;
  if (rest.length > 0) throw new Error(`unknown argument ${rest.join(" ")}`);
  const arch = architecture(values.arch);
  const folder = path.resolve(values.out ?? path.join(ROOT, "dist", arch === process.arch ? "" : arch));
  mkdirSync(folder, { recursive: true });
  const { made, file } = await buildProgram(ROOT, programNamed(name), {
    arch,
    folder,
    commit: values.commit ?? (await buildCommit()) ?? "",
    compress: !values["no-xz"],
  });
  const about = `${file} (${Math.round(readFileSync(file).length / 1e6)} MB)`;
  process.stderr.write(made ? `made ${about}\n` : `${about} is as new as its sources\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`build: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
