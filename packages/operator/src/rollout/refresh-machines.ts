/** Reads machines once more that a decision is about to go by: the watch may be late, and a status names whom somebody wrote into it. */
import { isObjectName } from "../controller/index.ts";
import type { ImageState } from "./image-state.ts";
import { loseMachine, renewMachine } from "./late-answers.ts";
import type { RolloutIndex } from "./rollout-index.ts";
import type { RolloutMachine } from "./rollout-machine.ts";
import type { RolloutView } from "./rollout-view.ts";
import { settle } from "./settle.ts";
import { byUid } from "./slot.ts";

export const READS_AT_ONCE = 8;

export interface RefreshParts {
  /** See RolloutParts. */
  readonly readMachine: (namespace: string, name: string) => Promise<RolloutMachine | undefined>;
  /** Told of images for which what was read has changed something. */
  readonly onChanged: (images: ReadonlySet<ImageState>) => void;
}

interface Named {
  readonly machine: string;
  readonly uid: string;
}

/** Those whose slot or failure the status has, and whom nobody here knows. */
function strangersOf(view: RolloutView): readonly Named[] {
  const { slots, failures } = view.image.object.status ?? {};
  const named = [
    ...[...byUid(slots).values()].map((one) => ({ ...one, atMs: Date.parse(one.grantedAt) })),
    ...[...byUid(failures).values()].map((one) => ({ ...one, atMs: Date.parse(one.time) })),
  ];
  return named.filter(({ uid, atMs }) => view.holder(uid, atMs).kind === "unknown");
}

/**
 * Reads those who ask, those whose slot is to be taken by the clock, and those whom the status names and nobody knows.
 * @param asking  uids
 * @throws KubernetesError
 */
export async function refreshMachines(
  index: RolloutIndex,
  view: RolloutView,
  asking: readonly string[],
  nowMs: number,
  { readMachine, onChanged }: RefreshParts,
): Promise<void> {
  async function refresh(uid: string): Promise<void> {
    const state = index.machine(uid);
    if (state === undefined) return;
    const { namespace, name } = state.machine.metadata;
    const fresh = await readMachine(namespace, name);
    onChanged(fresh === undefined ? loseMachine(index, uid) : renewMachine(index, fresh));
  }

  /** One that is there is the watch's to show: it may be another one's duplicate. */
  async function lookFor({ machine, uid }: Named): Promise<void> {
    // No machine has a name that somebody made up: nobody can be asked for it either.
    const isName = isObjectName(machine);
    const there = isName ? await readMachine(view.image.object.metadata.namespace, machine) : undefined;
    if (there?.metadata.uid !== uid) index.noteGone(uid);
  }

  const { failed } = settle(view, nowMs);
  const late = failed.filter(({ reason }) => reason === "ROLLOUT_NODE_TIMEOUT").map(({ uid }) => uid);
  const reads = [
    ...[...new Set([...asking, ...late])].map((uid) => () => refresh(uid)),
    ...strangersOf(view).map((one) => () => lookFor(one)),
  ];
  for (let at = 0; at < reads.length; at += READS_AT_ONCE) {
    await Promise.all(reads.slice(at, at + READS_AT_ONCE).map((read) => read()));
  }
}
