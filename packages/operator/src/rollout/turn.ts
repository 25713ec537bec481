/** Whose turn it is: what says against a slot for one machine, and who comes before it. */
import type { Waiting } from "@rancheros/protocol/upgrade";
import type { ImageState, MachineState } from "./image-state.ts";
import { isUnderWay } from "./machine-place.ts";
import type { Standing } from "./standing.ts";
import { FAILED_HERE, UP_TO_DATE } from "./waiting.ts";

/** Where a machine stands with the image that has it. */
export interface Place {
  readonly state: MachineState;
  readonly image: ImageState;
  readonly standing: Standing;
}

/** Whether the machine is to carry out the plan of the image that has it, sooner or later. */
export function isToUpgrade(state: MachineState): boolean {
  const [winner] = state.claims;
  if (winner?.plan === undefined || state.machine.approval !== "Approved") return false;
  return state.outcome !== "done" && state.refusal === undefined && !winner.isFailed(state);
}

/** Whether it waits for its turn: nothing but the order and the gates keeps it from a slot. */
export function isWaiting(state: MachineState): boolean {
  const holds = state.claims[0]?.slots.has(state.machine.metadata.uid) === true;
  return isToUpgrade(state) && !holds && !isUnderWay(state.machine);
}

/** What the image as a whole, and the machine's last upgrade, say against a slot; undefined where its turn may be. */
export function waitingAs({ state, image, standing: stand }: Place): Waiting | undefined {
  if (state.outcome === "done") return UP_TO_DATE;
  if (image.isFailed(state)) return FAILED_HERE;
  if (state.refusal !== undefined) return state.refusal;
  if (stand.gate.closed !== undefined) return stand.gate.closed;
  const { canariesOnly } = stand.gate;
  return canariesOnly !== undefined && !state.isCanary ? canariesOnly : undefined;
}

export function isItsTurn({ state, image, standing: stand }: Place): boolean {
  const { cluster } = state;
  const group = image.group(cluster);
  if (cluster === undefined || group === undefined) return false;
  const before = group.waiting.rank(state.orderKey());
  const free = stand.free(cluster);
  if (before < free) return true;
  // Where servers need not go first, those that have to wait for others of theirs hold up nobody else.
  if (state.isServer || image.image.order === "ServersFirst") return false;
  const servers = group.waitingServers.rank(state.orderKey());
  return before - servers + Math.min(servers, stand.serversFree(cluster)) < free;
}
