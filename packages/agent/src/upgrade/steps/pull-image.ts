/** Fetches an image: the journal knows before it comes that it is there because of an upgrade. */
import { hasImage, note, reasonFrom, rememberImage } from "../journal-edits.ts";
import type { Reason } from "../journal.ts";
import { presentRun, withPatience, type Work } from "../work.ts";

/** @returns the digest that came. @throws what the container runtime and the registry do */
export function pullImage(work: Work, image: string): Promise<string> {
  const { containers } = work.ports;
  const isOwn = hasImage(work.journal(), image);
  const onOwn = (): Promise<void> => work.save((journal) => rememberImage(journal, image));
  const pull = async (): Promise<string> => {
    const { credentials } = presentRun(work).order.plan;
    const trouble = toldTrouble(work);
    try {
      return await containers.pull(image, { credentials, signal: work.signal, isOwn, onOwn, onTrouble: trouble.tell });
    } finally {
      await trouble.told();
    }
  };
  return work.act("pull", () => withPatience(work, pull));
}

/** What a pull is tried again for stands in the status from its first failure on, and no longer than it is true. */
function toldTrouble(work: Work): {
  readonly tell: (trouble: Reason | undefined) => void;
  readonly told: () => Promise<void>;
} {
  let last: string | undefined;
  let writing: Promise<void> = Promise.resolve();
  const tell = (trouble: Reason | undefined): void => {
    const text = trouble === undefined ? undefined : `${trouble.code} ${trouble.message}`;
    if (text === last) return;
    last = text;
    const lastError = trouble === undefined ? undefined : reasonFrom(trouble);
    // Where it cannot be written down, the next thing that has to be cannot either, and says so.
    writing = work.save((journal, now) => note(journal, { lastError }, now)).catch(() => undefined);
  };
  return {
    tell,
    told: () => {
      tell(undefined);
      return writing;
    },
  };
}
