/** This project's CRDs, as the operator prints them. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { operatorProgram } from "../operator/operator-program.ts";
import { applyObjects } from "./apply-objects.ts";
import type { KubectlTarget } from "./kubectl.ts";

const TIMEOUT_MS = 30_000;
/** Inherited by the processes that test files run in. */
const VARIABLE = "RANCHEROS_TEST_CRDS";

/** Has them printed once for this process and its children. */
export async function shareCrds(folder: string): Promise<void> {
  const file = path.join(folder, "crds.yaml");
  writeFileSync(file, await printCrds());
  process.env[VARIABLE] = file;
}

/** Applies what `rancheros-operator crds` prints; the API server serves them when this resolves. */
export async function applyCrds(target: KubectlTarget): Promise<void> {
  const { [VARIABLE]: file } = process.env;
  const text = file === undefined ? await printCrds() : readFileSync(file, "utf8");
  const documents = parseAllDocuments(text);
  for (const { errors } of documents) if (errors[0] !== undefined) throw errors[0];
  await applyObjects(target, ...documents.map((document) => document.toJS() as object));
}

async function printCrds(): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [operatorProgram(), "crds"], { timeout: TIMEOUT_MS });
  return stdout;
}
