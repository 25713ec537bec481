/** Makes the support archive of a machine. */
import type { SecretFiles } from "../io/secret-files.ts";
import { archiveParts, type ArchiveFacts } from "./archive-parts.ts";
import { packArchive } from "./pack-archive.ts";
import { MAX_SECRETS, secretNet } from "./secret-net.ts";
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
export function makeArchive(make: MakeArchive): MadeArchive {
  const { facts, secrets } = make;
  const stamp = new Date(facts.nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const { known, beyond } = knownSecrets(make);
  const parts = archiveParts({ ...facts, journals: journalsOf(facts, secrets.unread, beyond) });
  return packArchive(parts, { net: secretNet(known), folder: `ros-agent-doctor-${stamp}`, nowMs: facts.nowMs });
}

/** What others wrote is only taken along where all that must not be in it is known. */
function journalsOf(
  { journals }: ArchiveFacts,
  unread: readonly string[],
  beyond: readonly string[],
): ArchiveFacts["journals"] {
  const why: string[] = [];
  if (unread.length > 0) {
    why.push(
      `the secrets in ${unread.join(", ")} could not be read, and so not be looked for. As root they mostly can.`,
    );
  }
  if (beyond.length > 0) {
    why.push(`${beyond.join(", ")} may have more secrets than can be looked for, which are ${MAX_SECRETS} in all.`);
  }
  return why.length === 0 ? journals : `The journals are left out: ${why.join(" Besides, ")}`;
}

interface KnownSecrets {
  readonly known: ReadonlySet<string>;
  /** Of what is in these files only a part is known. */
  readonly beyond: readonly string[];
}

/** One large file shall not keep those of the others from being looked for: the smallest come first. */
function knownSecrets({ facts: { target }, secrets, environment }: MakeArchive): KnownSecrets {
  const url = target.kind === "known" ? urlSecrets(target.options.url) : [];
  const ofFiles = secrets.files
    .map(({ path, kind, text }) => ({ path, values: withoutMargins(secretValues(kind, text)) }))
    .toSorted((one, other) => one.values.size - other.values.size);
  const given = { path: "the environment", values: withoutMargins([...environmentSecrets(environment), ...url]) };
  const known = new Set<string>();
  const beyond: string[] = [];
  for (const { path, values } of [given, ...ofFiles]) {
    for (const value of values) if (known.size < MAX_SECRETS) known.add(value);
    if ([...values].some((value) => !known.has(value))) beyond.push(path);
  }
  return { known, beyond };
}

/** With and without the space around them. */
function withoutMargins(values: readonly string[]): ReadonlySet<string> {
  return new Set(values.flatMap((value) => [value, value.trim()]));
}
