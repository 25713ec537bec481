/** Which file does which act of an upgrade. */
import { finish } from "./journal-edits.ts";
import type { Action } from "./next-step.ts";
import { admit } from "./steps/admit.ts";
import { arrive } from "./steps/arrive.ts";
import { awaitReboot } from "./steps/await-reboot.ts";
import { drain } from "./steps/drain.ts";
import { prepare } from "./steps/prepare.ts";
import { stage } from "./steps/stage.ts";
import { runUpgrade } from "./steps/switch.ts";
import { tidy } from "./steps/tidy.ts";
import { verify } from "./steps/verify.ts";
import type { Edit, Work } from "./work.ts";

const ACTS: Readonly<Record<Action, (work: Work) => Promise<Edit> | Edit>> = {
  admit,
  stage,
  prepare,
  drain,
  switch: runUpgrade,
  confirm: runUpgrade,
  "await-reboot": awaitReboot,
  arrive,
  verify,
  tidy,
  finish: () => finish,
};

/** @returns what it makes of the journal. @throws coded errors, which end the upgrade where nothing can be tried again */
export async function perform(action: Action, work: Work): Promise<Edit> {
  return ACTS[action](work);
}
