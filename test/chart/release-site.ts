/** What stands around a release: the address under which machines come, a registry, one machine of real parts that is a node. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { kubectl } from "../control-plane/kubectl.ts";
import { startKubelets } from "../kubelets/index.ts";
import type { OperatorProcess } from "../operator/operator-process.ts";
import { startServiceProxy } from "../operator/service-proxy.ts";
import { imageReference, pushImage, startRegistry } from "../registry/index.ts";
import {
  buildVersion,
  createWholeMachine,
  releaseText,
  waitingUpgrade,
  type WholeMachine,
} from "../whole-machine/index.ts";
import { startReleasedOperator } from "./start-released-operator.ts";
import { NAMESPACE, type ReleaseCluster } from "./use-release-cluster.ts";

const GO_ON = "/go-on";

export interface ReleaseSite {
  /** What serverURL is set to. */
  readonly url: string;
  /** host:port of the registry. */
  readonly registry: string;
  /** As a Deployment does it after each change: the new one takes over before the old one is told to stop. */
  rollOut(): Promise<OperatorProcess>;
  /** Ends the last one. */
  stopOperator(): Promise<void>;
  /** Registers a machine through the release, at the address that its MachineRegistration shows. */
  registerMachine(url: string): Promise<WholeMachine>;
  /** @returns osImage of a release whose upgrade waits, and its digest */
  pushWaiting(version: string): Promise<{ readonly osImage: string; readonly digest: string }>;
  /** Lets it go on. */
  goOn(machine: WholeMachine): void;
  stop(): Promise<void>;
}

export async function startReleaseSite({ controlPlane, folder }: ReleaseCluster): Promise<ReleaseSite> {
  const [proxy, registry, kubelets] = await Promise.all([
    startServiceProxy(),
    startRegistry({ folder: path.join(folder, "registry") }),
    startKubelets(controlPlane, { prefix: "node" }),
  ]);
  const machines: WholeMachine[] = [];
  let operator: OperatorProcess | undefined;
  let count = 0;
  const site: ReleaseSite = {
    url: proxy.url,
    registry: registry.host,
    async rollOut() {
      count += 1;
      const old = operator;
      const started = await startReleasedOperator(controlPlane, folder, `operator-${count}`);
      proxy.setReplicas([started.httpsUrl]);
      operator = started;
      await old?.stop();
      return started;
    },
    async stopOperator() {
      await operator?.stop();
      operator = undefined;
    },
    async registerMachine(url) {
      const caFile = path.join(folder, "ca.pem");
      const at = ["get", "configmap", "rancheros-operator-ca", `--namespace=${NAMESPACE}`];
      writeFileSync(caFile, await kubectl(controlPlane, [...at, "-o=jsonpath={.data.ca\\.crt}"]));
      const machine = await createWholeMachine({
        folder: path.join(folder, "m"),
        name: "1",
        number: 1,
        authority: controlPlane,
        kubelets,
        authorityFolder: path.join(folder, "tpm-ca"),
        release: releaseText("v1.0.0"),
        caFile,
        url,
      });
      machines.push(machine);
      await machine.register();
      return machine;
    },
    async pushWaiting(version) {
      const image = buildVersion(version, { upgradeScript: waitingUpgrade(GO_ON) });
      await pushImage(registry, "os", version, image);
      return { osImage: imageReference(registry, "os", version), digest: image.descriptor.digest };
    },
    goOn: ({ root }) => root.write(GO_ON, ""),
    async stop() {
      for (const machine of machines) await machine.stop();
      await kubelets.stop();
      await registry.stop();
      await proxy.stop();
      // Last: it throws where the operator lacked a right.
      await site.stopOperator();
    },
  };
  return site;
}
