/**
 * What machines say that has time: the replica that heard it keeps it until something of the machine is written that has
 * none, and writes it along with that; or by itself when it has lasted. A replica that is killed meanwhile forgets it,
 * and loses nothing that anything is decided by: a machine under way says its phase again, and reports come again.
 */
import type { MachineReport } from "@rancheros/protocol/attestation";
import type { MachineInventory } from "@rancheros/protocol/resources";
import { isLaterChallenge } from "./challenge-order.ts";
import {
  provedStatus,
  rememberedChallenge,
  reportedBoot,
  reportedStatus,
  type MachineProof,
} from "./machine-status.ts";
import { rolloutFacts } from "./rollout-facts.ts";
import { isLateWordNews, upgradeStatus, type HeardWord } from "./upgrade-status.ts";

/** A report, or a proof, that says nothing that is waited for is kept for so long. */
export const LATE_FACTS_MS = 60_000;

interface Timed {
  /** When it is to be written by itself. */
  readonly dueMs: number;
}

export interface LateFacts {
  readonly word?: Timed & HeardWord;
  /** overBoot: the boot that was written when it was kept. */
  readonly report?: Timed & {
    readonly report: MachineReport;
    readonly overBoot: string | undefined;
    readonly atMs: number;
  };
  /** Says nothing new, so that it is only written along with something else. */
  readonly proof?: Timed & { readonly proof: MachineProof; readonly atMs: number };
}

type Fields = Readonly<Record<string, unknown>>;

function latest(...times: readonly unknown[]): string | undefined {
  // RFC 3339 in UTC without fractions: in the order of text.
  return times
    .filter((one) => typeof one === "string")
    .toSorted()
    .at(-1);
}

/** Another replica has written meanwhile what the machine said after a restart. */
function isOfEarlierBoot(boot: string | undefined, { report, overBoot }: NonNullable<LateFacts["report"]>): boolean {
  return boot !== overBoot && boot !== report.node?.bootId;
}

/**
 * The fields of the status to write, the other fields stay; undefined where nothing of it has to be written.
 * @param own  what is written anyway
 */
export function withLateFacts(
  inventory: MachineInventory,
  facts: LateFacts,
  own: Fields | undefined,
): Fields | undefined {
  const { word, report, proof } = facts;
  const isOver = report === undefined || isOfEarlierBoot(reportedBoot(inventory), report);
  const said = isOver ? undefined : reportedStatus(inventory, report.report, report.atMs)?.status;
  const known = rolloutFacts(inventory);
  const phase = word !== undefined && isLateWordNews(known.upgrade, word) ? upgradeStatus(known, word) : undefined;
  if (said === undefined && phase === undefined && own === undefined) return undefined;
  const isLater = proof !== undefined && isLaterChallenge(proof.proof.challenge, rememberedChallenge(inventory));
  const proved = isLater ? provedStatus(inventory, proof.proof, proof.atMs) : undefined;
  // What comes later counts: own may be about the same.
  const all = [proved, said, phase, own].filter((one) => one !== undefined);
  // What was said just now counts, also where a replica's clock was ahead before.
  const lastSeen = latest(
    own === undefined ? inventory.status?.lastSeen : undefined,
    ...all.map((one) => one["lastSeen"]),
  );
  const fields = all.flatMap((one) => Object.entries(one));
  return { ...Object.fromEntries(fields), ...(lastSeen === undefined ? {} : { lastSeen }) };
}
