/** Decides what the status of a MachineRegistration should be: its token, its URL, and whether machines can come. */
import type { MachineRegistration, MachineRegistrationStatus } from "@rancheros/protocol/resources";
import { newRegistrationToken } from "./registration-token.ts";
import { registrationUrl } from "../rancherd/index.ts";

type Condition = NonNullable<MachineRegistrationStatus["conditions"]>[number];

export interface Surroundings {
  /** Address that machines use; undefined while it is not known. */
  readonly serverUrl: string | undefined;
  readonly nowMs: number;
  readonly random: (bytes: number) => Uint8Array;
}

function readiness(serverUrl: string | undefined): Pick<Condition, "status" | "reason" | "message"> {
  return serverUrl === undefined
    ? {
        status: "False",
        reason: "ServerURLNotSet",
        message: "server-url is not set: give --server-url, or set it in Rancher's settings",
      }
    : { status: "True", reason: "URLPublished", message: "machines can register at status.registrationURL" };
}

function isSame(old: Condition, next: Condition): boolean {
  return (
    old.status === next.status &&
    old.reason === next.reason &&
    old.message === next.message &&
    old.observedGeneration === next.observedGeneration
  );
}

function nextConditions(registration: MachineRegistration, around: Surroundings): Condition[] {
  const old = registration.status?.conditions ?? [];
  const before = old.find((one) => one.type === "Ready");
  const now = new Date(around.nowMs).toISOString().replace(/\.\d+Z$/, "Z");
  const found = readiness(around.serverUrl);
  const flipped = before?.status !== found.status;
  const ready: Condition = {
    type: "Ready",
    ...found,
    lastTransitionTime: flipped ? now : (before?.lastTransitionTime ?? now),
    ...(registration.metadata.generation === undefined ? {} : { observedGeneration: registration.metadata.generation }),
  };
  if (before !== undefined && isSame(before, ready)) return old;
  return [...old.filter((one) => one.type !== "Ready"), ready];
}

/**
 * The status to write, or undefined where it is right already. A token once made stays, whoever made it: media in the
 * field carry it.
 */
export function reconcileRegistration(
  registration: MachineRegistration,
  around: Surroundings,
): MachineRegistrationStatus | undefined {
  const old = registration.status ?? {};
  const registrationToken = old.registrationToken || newRegistrationToken(around.random);
  const url =
    around.serverUrl === undefined ? old.registrationURL : registrationUrl(around.serverUrl, registrationToken);
  const conditions = nextConditions(registration, around);
  if (registrationToken === old.registrationToken && url === old.registrationURL && conditions === old.conditions) {
    return undefined;
  }
  return { registrationToken, ...(url === undefined ? {} : { registrationURL: url }), conditions };
}
