/** Files that somebody else writes anew while we run, as a kubelet does with what it mounts: read again and again. */
import { readGivenFile, type GivenFile } from "./read-given-file.ts";

/** A Secret that is mounted follows the object within a minute or two: this adds nothing to speak of. */
const LOOK_INTERVAL_MS = 10_000;

export interface FollowedFiles {
  stop(): void;
}

/**
 * Reads the files once, and then whenever their text has changed.
 * @param take       the texts, in the order of the files; it throws where that is of no use, and the texts before stay in force
 * @param onTrouble  told of each kind of trouble once, except for the first reading's
 * @throws SettingsError SETTINGS_FILE_UNREADABLE, and what `take` throws, at the first time
 */
export async function followFiles(
  files: readonly GivenFile[],
  take: (texts: readonly string[]) => void,
  onTrouble: (error: unknown) => void,
  intervalMs: number = LOOK_INTERVAL_MS,
): Promise<FollowedFiles> {
  let taken = "";
  let refused = "";
  let isStopped = false;

  async function look(): Promise<void> {
    const texts = await Promise.all(files.map(readGivenFile));
    const now = JSON.stringify(texts);
    if (isStopped || now === taken || now === refused) return;
    refused = now;
    take(texts);
    taken = now;
    refused = "";
  }

  await look();
  let trouble = "";
  async function lookAgain(): Promise<void> {
    try {
      await look();
      trouble = "";
    } catch (error) {
      // Of a look that was under way when it was told to stop nobody wants to hear.
      if (!isStopped && String(error) !== trouble) onTrouble(error);
      trouble = String(error);
    }
  }
  const timer = setInterval(() => void lookAgain(), intervalMs);
  timer.unref();
  return {
    stop() {
      isStopped = true;
      clearInterval(timer);
    },
  };
}
