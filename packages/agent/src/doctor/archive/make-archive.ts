/** Makes the support archive of a machine. */
import { DoctorError } from "../errors.ts";
import type { SecretFiles } from "../io/secret-files.ts";
import { archiveParts, type ArchiveFacts } from "./archive-parts.ts";
import { packArchive } from "./pack-archive.ts";
import { secretNet, type SecretNet } from "./secret-net.ts";
import { environmentSecrets, secretValues, urlSecrets } from "./secret-values.ts";

export interface MakeArchive {
  readonly facts: ArchiveFacts;
  readonly secrets: SecretFiles;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface MadeArchive {
  readonly bytes: Buffer;
  readonly files: readonly string[];
  /** Places at which a known secret stood. */
  readonly removed: number;
}

/** @throws DoctorError DOCTOR_ARCHIVE_LEAKS */
export function makeArchive({ facts, secrets, environment }: MakeArchive): MadeArchive {
  const stamp = new Date(facts.nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const parts = archiveParts({ ...facts, journals: journalsOf(facts, secrets) });
  const options = {
    net: netOf({ facts, secrets, environment }),
    folder: `ros-agent-doctor-${stamp}`,
    nowMs: facts.nowMs,
  };
  return packArchive(parts, options);
}

/** What others wrote is only taken along where all that must not be in it is known. */
function journalsOf({ journals }: ArchiveFacts, { unread }: SecretFiles): ArchiveFacts["journals"] {
  if (unread.length === 0) return journals;
  return `The journals are left out: the secrets in ${unread.join(", ")} could not be read, and so not be looked for. As root they mostly can.`;
}

function netOf({ facts, secrets, environment }: MakeArchive): SecretNet {
  const { target } = facts;
  const url = target.kind === "known" ? urlSecrets(target.options.url) : [];
  const inFiles = secrets.files.flatMap(({ kind, text }) => secretValues(kind, text));
  try {
    return secretNet([...inFiles, ...environmentSecrets(environment), ...url]);
  } catch (cause) {
    throw new DoctorError("DOCTOR_ARCHIVE_LEAKS", "this machine has more secrets than can be looked for", { cause });
  }
}
