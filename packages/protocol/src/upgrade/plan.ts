/** What the operator tells a machine that asks for its plan, and what the machine says of how far it is. */
import type { MachineState } from "@rancheros/protocol/attestation";
import type { Drain } from "@rancheros/protocol/resources";
import type { Phase } from "./phase.ts";

/** A container to run on the node. Its image is a digest reference: the operator has resolved it. */
export interface PlanContainer {
  /** repository@sha256:..., fit to be pulled. */
  readonly image: string;
  /** Undefined: the image's own entry point. */
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[] | undefined;
  /** With what envFrom named already in it. May hold secrets. */
  readonly env: Readonly<Record<string, string>>;
  readonly volumes: readonly { readonly name: string; readonly source: string; readonly destination: string }[];
  /** Kubernetes' SecurityContext as the resource has it; undefined: privileged. */
  readonly securityContext: Readonly<Record<string, unknown>> | undefined;
}

/** For one registry host, of which a plan may have several: tried in their order. May hold secrets. */
export interface RegistryCredential {
  /** Host and port as in an image reference, such as docker.io or registry.example.com:5000. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

/** Granted: what the machine is to do now. */
export interface Plan {
  /** Names what is executed: 64 lower-case hex digits. Another image, cloud config or container is another plan. */
  readonly id: string;
  /** The ManagedOSImage, in the machine's namespace. */
  readonly image: string;
  /** Counts the grants of that ManagedOSImage: tells this grant from an earlier one of the same plan. */
  readonly attempt: number;
  /** As the ManagedOSImage names it. */
  readonly osImage: string;
  /** The same as repository@sha256:... */
  readonly reference: string;
  /** Tag of osImage, `latest` without one: what SYSTEM_UPGRADE_PLAN_LATEST_VERSION says. */
  readonly version: string;
  /** YAML for /run/data/cloud-config. May hold secrets. */
  readonly cloudConfig: string | undefined;
  readonly cordon: boolean;
  /** Undefined: the node is not drained. */
  readonly drain: Drain | undefined;
  readonly prepare: PlanContainer | undefined;
  readonly upgrade: PlanContainer;
  readonly credentials: readonly RegistryCredential[];
  /** The machine gives up by itself after so long, before it has switched. */
  readonly timeoutSeconds: number;
  /** Go on after a failed drain, and take a digest that has failed here before. */
  readonly force: boolean;
  /** Somebody asked to try again what went wrong on this machine: take a digest that has failed here before. */
  readonly retry: boolean;
  readonly allowDowngrade: boolean;
}

/** What tells one plan from another. */
export type PlanName = Pick<Plan, "id" | "image" | "attempt" | "osImage" | "reference">;

export const WAITING_REASONS = [
  "NoImage",
  "UpToDate",
  "Queued",
  "Paused",
  "Suspended",
  "Halted",
  "WindowClosed",
  "Conflict",
  "Unresolved",
  "Invalid",
  "CanariesFirst",
  "ServersFirst",
  "FailedHere",
  "NotApproved",
  "VersionTooOld",
  "VersionUnknown",
  "Downgrade",
] as const;

/** Why there is nothing to do now. */
export interface Waiting {
  readonly reason: (typeof WAITING_REASONS)[number];
  /** One sentence for people. */
  readonly message: string;
}

/**
 * GET plan, with `Authorization: Bearer SESSION-TOKEN` and, from the second time on, If-None-Match. The body is sealed
 * with the session's key: who ends TLS on the way sees neither cloud config nor credentials. 304 says that nothing has
 * changed; its Retry-After takes the place of nextAskInSeconds.
 */
export interface PlanAnswer {
  readonly protocol: number;
  readonly machine: MachineState["machine"];
  /** Either a plan, or why there is none. */
  readonly plan: Plan | undefined;
  readonly waiting: Waiting | undefined;
  readonly nextAskInSeconds: number;
}

/** PUT status: sent when it changes, and again now and then while a slot is held, so that the machine is not silent. */
export interface UpgradeStatus {
  readonly protocol: number;
  /** The plan's id; undefined for an upgrade that somebody started by hand. */
  readonly plan: string | undefined;
  /** The plan's image and attempt. */
  readonly image: string | undefined;
  readonly attempt: number;
  readonly phase: Phase;
  /** sha256:... of the image that it is about. */
  readonly digest: string | undefined;
  /** A code of docs/errors.md where something is wrong. */
  readonly reason: string | undefined;
  /** One sentence for people: what it waits for, what went wrong. */
  readonly message: string | undefined;
  /** /proc/sys/kernel/random/boot_id */
  readonly bootId: string | undefined;
}

/** The answer to PUT status. */
export interface StatusAnswer {
  readonly protocol: number;
  /** False: the slot is lost (time-out, plan withdrawn); before the switch the machine breaks off and undoes. */
  readonly holdsSlot: boolean;
  /** When to say it again while nothing changes. */
  readonly nextStatusInSeconds: number;
}
