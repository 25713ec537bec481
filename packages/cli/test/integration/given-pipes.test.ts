/** Files that a command line names as a shell's `<(COMMAND)`: pipes. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

import { agentProgram } from "../../../../test/machine/agent-program.ts";
import { errorOf, startProgram, type Outcome } from "./ros-agent.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "given-pipes-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** @param flags  in bash's language */
function inBash(flags: string): Promise<Outcome> {
  const script = `"$1" "$2" ${flags} --json`;
  return startProgram(["bash", "-c", script, "bash", process.execPath, agentProgram()], { FOLDER: folder }).outcome;
}

it("labels reads its templates", async () => {
  const template = `machineName: "m-\${System Data/Machine Hash}"`;
  const outcome = await inBash(`labels --tpm-hash ${"a".repeat(64)} --template <(sleep 0.2; echo '${template}')`);
  expect(outcome, outcome.stdout).toMatchObject({ code: 0 });
});

it("register reads its cloud-config", async () => {
  const config = "rancheros: {registration: {url: 'http://127.0.0.1:1/v1-rancheros/registration/tokentokentoken'}}";
  const outcome = await inBash(`register --no-smbios --config <(sleep 0.2; echo "${config}")`);
  expect(errorOf(outcome), outcome.stdout).toMatchObject({ code: expect.stringMatching(/^REGISTRATION_/) as string });
});

it("install reads its settings", async () => {
  const outcome = await inBash(
    `install --dry-run --source "$FOLDER" --config <(sleep 0.2; echo "rancheros: {install: {slotSize: huge}}")`,
  );
  expect(errorOf(outcome), outcome.stdout).toMatchObject({ code: "INSTALL_SETTINGS_INVALID" });
});
