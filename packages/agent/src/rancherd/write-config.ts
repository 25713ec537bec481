/** Gives rancherd what a registration says. */
import type { RootFiles } from "../files/index.ts";
import { CONFIG_PLACE } from "./config-places.ts";
import { eitherRecord, joinConfig, readJoinRecord, type JoinRecord } from "./join-config.ts";

/** What of rancherd's file is ours. */
export const JOIN_RECORD_PLACE = "/var/lib/rancheros/rancherd-config.json";

export interface RancherdWritten {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string;
  readonly isChanged: boolean;
  /** Paths at which the registration says something else than people have written there; theirs stays. */
  readonly kept: readonly string[];
}

/**
 * Writing it again changes nothing. While the file changes, the record has what was written before and what is being written,
 * so that a kill in between costs neither.
 * @param answer  `rancherd` of the registration's answer
 * @throws RancherdError RANCHERD_CONFIG_UNREADABLE; FilesError
 */
export async function writeRancherdConfig(
  files: Pick<RootFiles, "read" | "replace">,
  answer: Readonly<Record<string, unknown>>,
  { dryRun }: { readonly dryRun: boolean },
): Promise<RancherdWritten> {
  const found = await files.read(CONFIG_PLACE);
  const recorded = (await files.read(JOIN_RECORD_PLACE))?.content.toString("utf8");
  const before = found?.content.toString("utf8");
  const recordBefore = readJoinRecord(recorded);
  const joined = joinConfig(before, answer, recordBefore);
  // A token is in it, so others must not read it, whoever has made it.
  const isOpen = found !== undefined && (found.mode & 0o077) !== 0;
  if (!dryRun) {
    let saved = recorded;
    const save = async (record: JoinRecord): Promise<void> => {
      const content = `${JSON.stringify(record, undefined, 2)}\n`;
      if (content === saved) return;
      const folders = { mode: 0o700, uid: 0, gid: 0 };
      await files.replace({ path: JOIN_RECORD_PLACE, content, mode: 0o600, uid: 0, gid: 0, folders });
      saved = content;
    };
    if (joined.isChanged) await save(eitherRecord(recordBefore, joined.record));
    if (joined.isChanged || isOpen) {
      await files.replace({
        path: CONFIG_PLACE,
        content: joined.text,
        mode: 0o600,
        uid: found?.uid ?? 0,
        gid: found?.gid ?? 0,
      });
    }
    await save(joined.record);
  }
  return {
    path: CONFIG_PLACE,
    before,
    after: joined.text,
    isChanged: joined.isChanged || isOpen,
    kept: joined.kept,
  };
}
