/** What the operator wrote down, and what the API server has: looked at before and after an attack. */
import { setTimeout as sleep } from "node:timers/promises";
import { readMetadata, type ApiTarget } from "../control-plane/read-metadata.ts";
import { eventually } from "../operator/objects.ts";
import type { OperatorProcess } from "../operator/operator-process.ts";
import type { Told } from "./attack.ts";

const STILL_MS = 300;

/** Lines of the audit log that tell of a refusal, from `before` on. */
function refusalsSince(operator: OperatorProcess, before: string): readonly { readonly reason: string }[] {
  return operator
    .log()
    .slice(before.length)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { readonly reason?: string; readonly result?: string })
    .flatMap(({ reason, result }) => (result === "refused" && reason !== undefined ? [{ reason }] : []));
}

/** Waits for the refusals that an attack caused. */
async function reasonsSince(operator: OperatorProcess, before: string): Promise<readonly string[]> {
  const lines = await eventually(async () => {
    const refusals = refusalsSince(operator, before);
    return refusals.length > 0 ? refusals : undefined;
  }, "a refusal in the audit log");
  return lines.map(({ reason }) => reason);
}

/** What an attack could have changed. */
const COLLECTIONS = {
  MachineInventory: (namespace: string) => `/apis/rancheros.cattle.io/v1/namespaces/${namespace}/machineinventories`,
  MachineRegistration: (namespace: string) =>
    `/apis/rancheros.cattle.io/v1/namespaces/${namespace}/machineregistrations`,
  Secret: (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`,
  ConfigMap: (namespace: string) => `/api/v1/namespaces/${namespace}/configmaps`,
  ServiceAccount: (namespace: string) => `/api/v1/namespaces/${namespace}/serviceaccounts`,
} as const satisfies Readonly<Record<string, (namespace: string) => string>>;

/** Name and version of each; of a registration, whose status counts refusals, its spec's. */
async function storedState(target: ApiTarget, namespace: string): Promise<readonly string[]> {
  const kinds = Object.entries(COLLECTIONS).map(async ([kind, pathIn]) => {
    const stored = await readMetadata(target, pathIn(namespace));
    return stored.map(({ name, resourceVersion, generation }) => {
      const version = kind === "MachineRegistration" ? `generation ${generation}` : resourceVersion;
      return `${kind}/${name} ${version}`;
    });
  });
  return (await Promise.all(kinds)).flat().toSorted();
}

/** Waits for what honest visits still have to write; it is not the attack's. */
export async function untilStill(target: ApiTarget, namespace: string): Promise<void> {
  await eventually(async () => {
    const before = await storedState(target, namespace);
    await sleep(STILL_MS);
    const after = await storedState(target, namespace);
    return before.join("\n") === after.join("\n") ? true : undefined;
  }, "nothing is written any more");
}

export interface Seen {
  readonly told: Told;
  /** Of the refusals in the audit log meanwhile. */
  readonly reasons: readonly string[];
  /** Objects that were made, changed or removed meanwhile. */
  readonly changed: readonly string[];
}

export interface WatchedOperator {
  readonly operator: OperatorProcess;
  readonly namespace: string;
}

/** Lets it happen, and looks at what it left behind. */
export async function watched(
  target: ApiTarget,
  { operator, namespace }: WatchedOperator,
  strike: () => Promise<Told>,
): Promise<Seen> {
  const [before, stored] = [operator.log(), await storedState(target, namespace)];
  const told = await strike();
  const reasons = await reasonsSince(operator, before);
  const after = await storedState(target, namespace);
  const [had, has] = [new Set(stored), new Set(after)];
  const changed = [...stored.filter((one) => !has.has(one)), ...after.filter((one) => !had.has(one))];
  return { told, reasons, changed };
}
