/** The restart is asked of a systemctl of ours: who refuses it may take it later, and a machine seen from outside never. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

import { askForRestart } from "../../../src/slots/io/restart-machine.ts";
import { systemSlotsOutside } from "../../../src/upgrade/io/system-slots-outside.ts";

const INHIBITED = "Operation inhibited by the firmware update";
const { PATH = "" } = process.env;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "restart-"));
  writeFileSync(join(folder, "systemctl"), `#!/bin/sh\necho '${INHIBITED}' >&2\nexit 1\n`);
  chmodSync(join(folder, "systemctl"), 0o755);
  process.env["PATH"] = `${folder}:${PATH}`;
});
afterAll(() => {
  process.env["PATH"] = PATH;
  rmSync(folder, { recursive: true });
});

it("may be tried again where systemd does not take it, and says why", async () => {
  await expect(askForRestart("reboot")).rejects.toMatchObject({
    code: "SLOT_NO_RESTART",
    retry: "backoff",
    message: expect.stringContaining(INHIBITED) as string,
  });
});

it("is never to be had of a machine that is a folder", async () => {
  const { restart } = systemSlotsOutside({ hostRoot: folder, stateFolder: folder });
  await expect(restart()).rejects.toMatchObject({ code: "SLOT_NO_RESTART", retry: "never" });
});
