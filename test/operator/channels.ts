/** ManagedOSVersionChannels and their versions, as tests make them and look at them. */
import { applyObjects } from "../control-plane/apply-objects.ts";
import { type KubectlTarget } from "../control-plane/kubectl.ts";
import { eventually, getObject, listObjects, patchObject, type AnyObject } from "./objects.ts";

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export interface TestChannels {
  make(name: string, spec: object): Promise<void>;
  change(name: string, spec: object): Promise<void>;
  /** Has it read now. */
  request(name: string): Promise<void>;
  /** What is said of it once it has been tried after `since`, its status before. */
  tried(name: string, since?: Readonly<Record<string, unknown>>): Promise<Condition>;
  statusOf(name: string): Promise<Readonly<Record<string, unknown>>>;
  /** By their names, of all channels. */
  versions(): Promise<ReadonlyMap<string, AnyObject>>;
}

export function syncedOf(status: Readonly<Record<string, unknown>> | undefined): Condition | undefined {
  return (status?.["conditions"] as Condition[] | undefined)?.find(({ type }) => type === "Synced");
}

export function testChannels(target: KubectlTarget, namespace: string): TestChannels {
  const kind = "managedosversionchannels";
  let requests = 0;
  const patch = (name: string, body: object): Promise<void> => patchObject(target, kind, namespace, name, body);
  const statusOf = async (name: string): Promise<Readonly<Record<string, unknown>>> =>
    (await getObject(target, kind, namespace, name))?.status ?? {};
  return {
    async make(name, spec) {
      await applyObjects(target, {
        apiVersion: "rancheros.cattle.io/v1",
        kind: "ManagedOSVersionChannel",
        metadata: { name, namespace },
        spec,
      });
    },
    async change(name, spec) {
      await patch(name, { spec });
    },
    async request(name) {
      const text = `test-${(requests += 1)}`;
      await patch(name, { metadata: { annotations: { "rancheros.cattle.io/sync": text } } });
      await eventually(
        async () => ((await statusOf(name))["syncRequest"] === text ? true : undefined),
        `${name} is read`,
      );
    },
    tried: (name, since = {}) =>
      eventually(async () => {
        const status = await statusOf(name);
        const isNew = ["syncedGeneration", "syncRequest", "failedSynchronizationAttempts"].some(
          (key) => status[key] !== since[key],
        );
        return isNew ? syncedOf(status) : undefined;
      }, `channel ${name} is tried`),
    statusOf,
    async versions() {
      const all = await listObjects(target, "managedosversions", namespace);
      return new Map(all.map((one) => [one.metadata.name, one]));
    },
  };
}
