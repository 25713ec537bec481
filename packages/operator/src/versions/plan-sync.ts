/** What is to be done so that the versions of a channel are there: compared, and nothing written. */
import { NO_LONGER_IN_SYNC_ANNOTATION, CHANNEL_NAME_ANNOTATION } from "@rancheros/protocol/resources";
import { isDeepStrictEqual } from "node:util";
import type { Wanted } from "./channel-list.ts";
import { isDeeperThan, LEVELS_MAX } from "./is-deeper-than.ts";

/** A ManagedOSVersion of the channel, as the API server has it. */
export interface StoredVersion {
  readonly name: string;
  readonly beingDeleted: boolean;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: unknown;
}

export interface SyncPlan<Stored extends StoredVersion> {
  readonly create: readonly Wanted[];
  /** Whatever somebody has changed by hand is as the channel has it again. */
  readonly update: readonly { readonly stored: Stored; readonly wanted: Wanted }[];
  /** Not in the channel any more, and not said so yet. */
  readonly mark: readonly Stored[];
  readonly remove: readonly Stored[];
  /** How many are there afterwards that the channel does not have. */
  readonly outOfSync: number;
}

/** @param value  plain JSON. Absent and null are the same to whoever reads it */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => withoutNulls(one));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutNulls(member)]));
}

function isAsWanted({ spec, annotations }: StoredVersion, wanted: Wanted): boolean {
  const isMarked = annotations[NO_LONGER_IN_SYNC_ANNOTATION] !== undefined;
  // Somebody has made something of it that nobody can compare.
  if (isDeeperThan(spec, LEVELS_MAX)) return false;
  const isCalledSo = annotations[CHANNEL_NAME_ANNOTATION] === wanted.nameInChannel;
  return !isMarked && isCalledSo && isDeepStrictEqual(withoutNulls(spec), withoutNulls(wanted.spec));
}

/**
 * @param inUse    names of versions that ManagedOSImages of the namespace name: these are never deleted
 * @param deletes  whether the others are, when the channel does not have them any more
 */
export function planSync<Stored extends StoredVersion>(
  wanted: readonly Wanted[],
  stored: readonly Stored[],
  inUse: ReadonlySet<string>,
  deletes: boolean,
): SyncPlan<Stored> {
  const byName = new Map(stored.map((one) => [one.name, one]));
  const names = new Set(wanted.map(({ name }) => name));
  const lost = stored.filter(({ name, beingDeleted }) => !names.has(name) && !beingDeleted);
  const remove = deletes ? lost.filter(({ name }) => !inUse.has(name)) : [];
  const kept = lost.filter((one) => !remove.includes(one));
  return {
    create: wanted.filter(({ name }) => !byName.has(name)),
    update: wanted.flatMap((one) => {
      const found = byName.get(one.name);
      if (found === undefined || found.beingDeleted || isAsWanted(found, one)) return [];
      return [{ stored: found, wanted: one }];
    }),
    mark: kept.filter(({ annotations }) => annotations[NO_LONGER_IN_SYNC_ANNOTATION] !== "true"),
    remove,
    outOfSync: kept.length,
  };
}
