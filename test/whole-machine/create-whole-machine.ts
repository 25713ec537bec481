/** Puts a machine of real parts together. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { startContainerd } from "../containerd/index.ts";
import { writeKubeletKubeconfig } from "../control-plane/kubelet-kubeconfig.ts";
import { writeSystemTables } from "../smbios/system-tables.ts";
import { startSwtpm } from "../swtpm/index.ts";
import { MachineDisk } from "./machine-disk.ts";
import { MachineRoot } from "./machine-root.ts";
import { versionOf, WholeMachine, type WholeMachineOptions } from "./whole-machine.ts";

/** Of a containerd that neither k3s nor rke2 has brought. */
const SYSTEM_NAMESPACE = "default";
const KUBECONFIG = "var/lib/rancher/k3s/agent/kubelet.kubeconfig";

/** Starts TPM, containerd and node; the agent is started by `startAgent`. */
export async function createWholeMachine(options: WholeMachineOptions): Promise<WholeMachine> {
  const { folder, name, number, authority, kubelets, authorityFolder } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await options.beforeContainerd?.(path.join(folder, "c"));
  const [tpm, containerd] = await Promise.all([
    startSwtpm({ stateFolder: path.join(folder, "tpm"), authorityFolder, withEkCertificate: false }),
    startContainerd({ folder: path.join(folder, "c"), namespace: SYSTEM_NAMESPACE }),
  ]);
  const dmi = path.join(folder, "dmi");
  const serialNumber = `S${number}`;
  const uuidHex = `4c4c4544005810398039b7c04f5140${String(number).padStart(2, "0")}`;
  writeSystemTables(dmi, { manufacturer: "Supermicro", productName: "SYS-E300", serialNumber, uuidHex });
  const rootFolder = path.join(folder, "root");
  const disk = options.hasDisk === true ? await MachineDisk.create(folder, rootFolder) : undefined;
  const root = new MachineRoot({
    folder: rootFolder,
    release: options.release,
    containerdSocket: containerd.socket,
    ctrProgram: containerd.ctrProgram,
  });
  const { bootId } = root;
  const node = await kubelets.addNode(name, {
    bootId,
    osImage: versionOf(options.release),
    labels: options.nodeLabels ?? {},
  });
  mkdirSync(path.dirname(root.path(KUBECONFIG)), { recursive: true });
  writeKubeletKubeconfig(authority, node, root.path(KUBECONFIG));
  return new WholeMachine(options, { tpm, containerd, root, node, dmi, disk });
}
