/** Names what nodes carry out: what has the same name is not carried out twice. */
import { createHash } from "node:crypto";
import type { Container } from "@rancheros/protocol/resources";

/** All that is carried out, its images by digest. How, when and how many at a time is no part of it. */
export interface Execution {
  readonly reference: string;
  readonly cloudConfig: unknown;
  readonly prepare: Container | undefined;
  readonly upgradeContainer: Container | undefined;
}

/** Keys in order, and without what is null or absent: that is the same to whoever reads it. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((one) => canonicalJson(one ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(([, member]) => member !== null && member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

/** `envs` is another name of `env`. */
function withoutAliases(container: Container | undefined): unknown {
  if (container === undefined) return undefined;
  const { envs, ...others } = container;
  return { ...others, env: container.env ?? envs };
}

/**
 * @returns 64 hex digits. Must stay as it is from one version of the operator to the next: another name for the same
 *          would send all machines on their way again.
 */
export function planId(execution: Execution): string {
  const named = {
    reference: execution.reference,
    cloudConfig: execution.cloudConfig,
    prepare: withoutAliases(execution.prepare),
    upgradeContainer: withoutAliases(execution.upgradeContainer),
  };
  return createHash("sha256").update(canonicalJson(named)).digest("hex");
}
