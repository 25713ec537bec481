/** What a whole machine needs to join: an operator, a TPM, tables of SMBIOS, and the CA as somebody brought it along. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { KubectlTarget } from "../../control-plane/kubectl.ts";
import { listInventories, type AnyObject } from "../../operator/objects.ts";
import { useOperator, type UsedOperators, type UseOperatorOptions } from "../../operator/use-operator.ts";
import { writeSystemTables } from "../../smbios/system-tables.ts";
import { startSwtpm, type Swtpm, type SwtpmOptions } from "../../swtpm/index.ts";

export const SERIAL_NUMBER = "7X9KQ13";

export interface UsedAgent {
  readonly used: UsedOperators;
  /** A TPM with certificate. */
  readonly tpm: Swtpm;
  /** The operator's CA, as PEM. */
  readonly caFile: string;
  readonly dmi: string;
  /** What ros-agent has to be told about this machine. @param tpm  default: the one above */
  readonly flags: (tpm?: Swtpm) => readonly string[];
  /** Another TPM; stopped with the rest. */
  addTpm(name: string, options: Omit<SwtpmOptions, "stateFolder">): Promise<Swtpm>;
  /** The machine with this endorsement key. */
  inventoryOf(ekHash: string): Promise<AnyObject | undefined>;
}

/** By hooks of the calling file; see useOperator. */
export function useAgent(target: KubectlTarget, prefix: string, options: UseOperatorOptions = {}): UsedAgent {
  const used = useOperator(target, prefix, options);
  const caFile = path.join(used.folder, "ca.pem");
  const dmi = path.join(used.folder, "dmi");
  const tpms: Swtpm[] = [];

  async function addTpm(name: string, made: Omit<SwtpmOptions, "stateFolder">): Promise<Swtpm> {
    const tpm = await startSwtpm({ ...made, stateFolder: path.join(used.folder, name) });
    tpms.push(tpm);
    return tpm;
  }

  beforeAll(async () => {
    writeSystemTables(dmi, {
      manufacturer: "Dell Inc.",
      productName: "PowerEdge R640",
      serialNumber: SERIAL_NUMBER,
      uuidHex: "4c4c4544005810398039b7c04f513133",
    });
    await addTpm("tpm", { withEkCertificate: true });
    writeFileSync(caFile, await (await fetch(`${used.operator.httpUrl}/v1-rancheros/cacerts`)).text());
  });
  afterAll(async () => {
    await Promise.all(tpms.map((tpm) => tpm.stop()));
  });

  const agent: UsedAgent = {
    used,
    caFile,
    dmi,
    get tpm() {
      const [first] = tpms;
      if (first === undefined) throw new Error("the TPM has not been started yet");
      return first;
    },
    flags: (tpm = agent.tpm) => ["--ca-cert", caFile, "--smbios-dump", dmi, "--tcti", tpm.tcti],
    addTpm,
    async inventoryOf(ekHash) {
      return (await listInventories(target, used.namespace)).find(({ spec }) => spec["tpm"] === ekHash);
    },
  };
  return agent;
}
