/** An order that somebody gives on the machine itself: what an operator would send, and nothing that only it can know. */
import { createHash } from "node:crypto";
import type { Drain } from "@rancheros/protocol/resources";
import type { Plan } from "@rancheros/protocol/upgrade";

import type { Order } from "./journal.ts";

export interface HandOptions {
  /** As it was given. */
  readonly osImage: string;
  /** repository@sha256:... */
  readonly reference: string;
  readonly version: string;
  readonly cordon: boolean;
  /** Undefined: the node is not drained. */
  readonly drain: Drain | undefined;
  readonly timeoutSeconds: number;
  readonly force: boolean;
  readonly allowDowngrade: boolean;
  readonly credentials: Plan["credentials"];
}

const BY_HAND = "by-hand";

export function orderByHand(options: HandOptions): Order {
  const { reference } = options;
  const container = { command: undefined, args: undefined, volumes: [], securityContext: undefined };
  const env: Record<string, string> = options.force ? { FORCE: "true" } : {};
  const plan: Plan = {
    ...options,
    id: createHash("sha256").update(JSON.stringify(options)).digest("hex"),
    image: BY_HAND,
    attempt: 1,
    cloudConfig: undefined,
    prepare: undefined,
    upgrade: { ...container, image: reference, env },
    retry: true,
  };
  return { plan, isByHand: true, keepsCloudConfig: true };
}
