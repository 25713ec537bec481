/** Endings as what a step comes to. */
import { decideEnding } from "../journal-edits.ts";
import type { Ending } from "../journal.ts";
import type { Edit } from "../work.ts";

export function ended(ending: Ending): Edit {
  return (journal, now) => decideEnding(journal, ending, now);
}
