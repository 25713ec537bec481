/** Machines that have come in by attestation, each with its session and its inventory as a test wants it. */
import type { KubectlTarget } from "../control-plane/kubectl.ts";
import { listInventories, makeRegistration, patchObject } from "../operator/objects.ts";
import { createSoftwareTpm, generateAttestationKey } from "../software-tpm/index.ts";
import { channelAt, visitAttested, type NextServer } from "./attested-visit.ts";
import type { PlayedMachine } from "./played-machine.ts";

export interface Joining {
  readonly namespace: string;
  /** Where machines come in over TLS. */
  readonly httpsUrl: string;
  readonly next: NextServer;
  /** One machine each: what its MachineInventory is patched with. */
  readonly machines: readonly {
    readonly labels?: Readonly<Record<string, string>>;
    readonly clusterName?: string;
    readonly role?: string;
  }[];
}

/** Makes a MachineRegistration `all` in the namespace, and lets the machines come in by it. */
export async function joinMachines(target: KubectlTarget, joining: Joining): Promise<readonly PlayedMachine[]> {
  const { namespace, httpsUrl, next } = joining;
  const channel = await channelAt(httpsUrl);
  const { token } = await makeRegistration(target, namespace, "all");
  const ak = generateAttestationKey("rsa");
  const joined: PlayedMachine[] = [];
  for (const { labels = {}, clusterName, role } of joining.machines) {
    const tpm = createSoftwareTpm({ ak });
    const { session } = await visitAttested({ next, tpm, channel, purpose: { kind: "registration", token } });
    const found = (await listInventories(target, namespace)).find((one) => one.spec["tpm"] === tpm.ekHash);
    const name = found?.metadata.name ?? "";
    const spec = {
      ...(clusterName === undefined ? {} : { clusterName }),
      ...(role === undefined ? {} : { config: { role } }),
    };
    await patchObject(target, "minv", namespace, name, { metadata: { labels }, spec });
    joined.push({ name, session, ending: "Succeeded", plans: [], last: undefined, isDown: false, isOver: false });
  }
  return joined;
}
