/** Carries a plan out: a few writes at a time, and what one entry has against it keeps no other from being written. */
import { hasCode, isCodedError } from "@rancheros/protocol/errors";
import type { Wanted } from "./channel-list.ts";
import { ChannelError } from "./errors.ts";
import type { StoredVersion, SyncPlan } from "./plan-sync.ts";

/** A ManagedOSVersion that is there under the name of one that was to be made. */
export type TakenBy = "us" | "a channel of our name" | "somebody else";

/** ManagedOSVersions of one channel at the API server; all throw KubernetesError. */
export interface VersionWrites<Stored extends StoredVersion> {
  /** @throws KUBERNETES_ALREADY_EXISTS */
  create(wanted: Wanted): Promise<void>;
  /** Whose the object of this name is; undefined where there is none any more. */
  read(name: string): Promise<{ readonly by: TakenBy; readonly stored: Stored } | undefined>;
  /** @throws KUBERNETES_CONFLICT where somebody has changed it meanwhile, as the next two */
  replace(stored: Stored, wanted: Wanted): Promise<void>;
  mark(stored: Stored): Promise<void>;
  remove(stored: Stored): Promise<void>;
}

export interface Applied {
  readonly created: number;
  readonly updated: number;
  readonly removed: number;
  /** Entries that the API server does not take, or whose name is another's. */
  readonly problems: readonly string[];
}

const AT_ONCE = 8;

/** Runs all of them, also where some fail; then throws what was thrown first. */
async function inTurn<Item>(items: readonly Item[], run: (item: Item) => Promise<void>): Promise<void> {
  let next = 0;
  const conflicts: unknown[] = [];
  async function lane(): Promise<void> {
    for (let item = items[next++]; item !== undefined; item = items[next++]) {
      try {
        await run(item);
      } catch (error) {
        if (hasCode(error, "KUBERNETES_CONFLICT")) {
          conflicts.push(error);
          continue;
        }
        // A server that is away, or a lead that is lost, is so for all of them.
        next = items.length;
        throw error;
      }
    }
  }
  const lanes = Array.from({ length: AT_ONCE }, lane);
  // Nothing is under way any more when this throws.
  await Promise.allSettled(lanes);
  await Promise.all(lanes);
  if (conflicts.length === 0) return;
  const message = `${conflicts.length} ManagedOSVersions were changed by somebody else at the same moment`;
  throw new ChannelError("CHANNEL_VERSIONS_NOT_WRITTEN", message, { cause: conflicts[0] });
}

/** Whether it is this very object that the API server does not take. */
function isInvalid(error: unknown): error is Error {
  return isCodedError(error) && error.code === "KUBERNETES_REFUSED" && error.details["httpStatus"] === 422;
}

/** @throws ChannelError CHANNEL_VERSIONS_NOT_WRITTEN, KubernetesError */
export async function applySync<Stored extends StoredVersion>(
  plan: SyncPlan<Stored>,
  writes: VersionWrites<Stored>,
): Promise<Applied> {
  const problems: string[] = [];
  const done = { created: 0, updated: 0, removed: 0 };

  async function orProblem(name: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!isInvalid(error)) throw error;
      problems.push(`${name}: ${error.message.slice(0, 160)}`);
    }
  }

  /** Somebody has taken the label away, or has made an object of that name. */
  async function takeOver(wanted: Wanted): Promise<void> {
    const found = await writes.read(wanted.name);
    if (found?.by === "us") {
      await writes.replace(found.stored, wanted);
      done.updated += 1;
    } else if (found?.by === "somebody else") {
      problems.push(`${wanted.name}: there is a ManagedOSVersion of this name that is not the channel's`);
    } else {
      const message = `ManagedOSVersion ${wanted.name} of an earlier channel of the same name is still being deleted`;
      throw new ChannelError("CHANNEL_VERSIONS_NOT_WRITTEN", message);
    }
  }

  await inTurn(plan.create, (wanted) =>
    orProblem(wanted.name, async () => {
      try {
        await writes.create(wanted);
        done.created += 1;
      } catch (error) {
        if (!hasCode(error, "KUBERNETES_ALREADY_EXISTS")) throw error;
        await takeOver(wanted);
      }
    }),
  );
  await inTurn(plan.update, ({ stored, wanted }) =>
    orProblem(wanted.name, async () => {
      await writes.replace(stored, wanted);
      done.updated += 1;
    }),
  );
  await inTurn(plan.mark, (stored) => writes.mark(stored));
  // Last of all: who is killed before has deleted nothing.
  await inTurn(plan.remove, async (stored) => {
    await writes.remove(stored);
    done.removed += 1;
  });
  return { ...done, problems };
}
