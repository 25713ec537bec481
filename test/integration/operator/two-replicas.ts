/** Two operators of one cluster, for machines whose requests go to either. */
import { EMPTY_REPORT, type MachineReport } from "@rancheros/protocol/attestation";
import { beforeAll } from "vitest";
import { channelAt, type AttestedVisit } from "../../machine/attested-visit.ts";
import type { KubectlTarget } from "../../control-plane/kubectl.ts";
import { eventually, listInventories, type AnyObject } from "../../operator/objects.ts";
import { readSamples } from "../../operator/read-samples.ts";
import { useOperator, type UsedOperators, type UseOperatorOptions } from "../../operator/use-operator.ts";
import { createSoftwareTpm, generateAttestationKey, type SoftwareTpm } from "../../software-tpm/index.ts";

export const REPORT: MachineReport = {
  ...EMPTY_REPORT,
  smbios: { "System Information": { Manufacturer: "Example", "Serial Number": "A1" } },
  addresses: [{ type: "InternalIP", address: "192.0.2.7" }],
  os: { name: "RancherOS", version: "2.0", image: "example/os:2.0" },
  agentVersion: "0.1.0",
};

export interface TwoReplicas {
  readonly used: UsedOperators;
  readonly newTpm: () => SoftwareTpm;
  readonly first: () => string;
  readonly second: () => string;
  /** Each request goes to the other replica. */
  readonly next: () => string;
  readonly through: (tpm: SoftwareTpm, token: string, more?: Partial<AttestedVisit>) => AttestedVisit;
  /** @throws Error where there are several */
  readonly inventoryOf: (tpm: SoftwareTpm) => Promise<AnyObject | undefined>;
  /** Waits until each replica knows as many machines as there are. */
  readonly untilSeen: () => Promise<void>;
}

/** By hooks of the calling file; see useOperator. */
export function useTwoReplicas(
  target: KubectlTarget,
  prefix: string,
  options: Pick<UseOperatorOptions, "flags" | "aheadMs"> = {},
): TwoReplicas {
  const used = useOperator(target, prefix, { ...options, replicas: 2, serverUrl: "https://rancher.example.com" });
  const ak = generateAttestationKey("rsa");
  let channel: Buffer = Buffer.alloc(0);
  let turn = 0;
  beforeAll(async () => {
    channel = await channelAt(used.operator.httpsUrl);
  });
  const urlOf = (number: number): string => used.replicas[number]?.httpUrl ?? "";
  const next = (): string => {
    turn += 1;
    return urlOf(turn % 2);
  };
  return {
    used,
    newTpm: () => createSoftwareTpm({ ak }),
    first: () => urlOf(0),
    second: () => urlOf(1),
    next,
    through: (tpm, token, more = {}) => ({ next, tpm, channel, purpose: { kind: "registration", token }, ...more }),
    async inventoryOf(tpm) {
      const all = (await listInventories(target, used.namespace)).filter((one) => one.spec["tpm"] === tpm.ekHash);
      if (all.length > 1) throw new Error(`${all.length} inventories have one endorsement key`);
      return all[0];
    },
    async untilSeen() {
      const { length } = await listInventories(target, used.namespace);
      for (const { healthUrl } of used.replicas) {
        await eventually(async () => {
          const samples = await readSamples(healthUrl);
          return samples.some(({ name, value }) => name === "rancheros_inventories" && value === length)
            ? true
            : undefined;
        }, `a replica knows ${length} machines`);
      }
    },
  };
}
