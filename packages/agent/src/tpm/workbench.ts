/** The three things that every piece of work with the TPM needs. */

import type { HandleKeeper } from "./handle-keeper.ts";
import type { WorkFolder } from "./io/work-folder.ts";
import type { Tpm2 } from "./tpm2.ts";

export interface Workbench {
  readonly tpm2: Tpm2;
  readonly folder: WorkFolder;
  readonly handles: HandleKeeper;
}
