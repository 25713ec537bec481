/** Fetches an image: the journal knows before it comes that it is there because of an upgrade. */
import { hasImage, rememberImage } from "../journal-edits.ts";
import { presentRun, withPatience, type Work } from "../work.ts";

/** @returns the digest that came. @throws what the container runtime and the registry do */
export function pullImage(work: Work, image: string): Promise<string> {
  const { containers } = work.ports;
  const isOwn = hasImage(work.journal(), image);
  const onOwn = (): Promise<void> => work.save((journal) => rememberImage(journal, image));
  const pull = (): Promise<string> => {
    const { credentials } = presentRun(work).order.plan;
    return containers.pull(image, { credentials, signal: work.signal, isOwn, onOwn });
  };
  return work.act("pull", () => withPatience(work, pull));
}
