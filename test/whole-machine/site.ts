/** A whole site: control plane with controllers, operators behind one address, a registry, machines with workloads. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { startControlPlane, type ControlPlane } from "../control-plane/control-plane.ts";
import { applyCrds } from "../control-plane/apply-crds.ts";
import { applyObjects } from "../control-plane/apply-objects.ts";
import { createNamespace } from "../control-plane/namespace.ts";
import { auditRemovals } from "../drain-parity/audit-log.ts";
import { startKubelets, type Kubelets } from "../kubelets/index.ts";
import { getObject, listInventories, makeRegistration, patchObject, type AnyObject } from "../operator/objects.ts";
import { startOperator, type OperatorProcess } from "../operator/operator-process.ts";
import { startServiceProxy, type ServiceProxy } from "../operator/service-proxy.ts";
import { imageReference, pushImage, startRegistry, type Image, type TestRegistry } from "../registry/index.ts";
import { releaseText } from "./os-images.ts";
import { createWholeMachine } from "./create-whole-machine.ts";
import type { WholeMachine, WholeMachineOptions } from "./whole-machine.ts";
import { Witness } from "./witness.ts";
import { applyWorkloads, untilAllRun } from "./workloads.ts";

const OPERATOR_NAMESPACE = "cattle-rancheros-operator-system";
/** Images of this namespace are for the nodes of the operator's own cluster. */
export const SITE_NAMESPACE = "fleet-local";
const WORKLOADS_NAMESPACE = "shop";
const PREFIX = "node";
const DEADLINE_MS = 180_000;
const POLL_MS = 200;

export interface SiteOptions {
  /** Holds everything; short, as sockets lie in it. Removing it afterwards is the caller's. */
  readonly folder: string;
  readonly machines: number;
  readonly operators?: number;
  /** Where the API server is killed: one that has just come up refuses for a moment what it allows. */
  readonly mayBeForbidden?: boolean;
  readonly binariesFolder?: string;
  /** For what one machine has another way. */
  readonly machine?: (number: number) => Partial<WholeMachineOptions>;
  /** Told of each step. */
  readonly onStep?: (step: string) => void;
}

export interface Site {
  readonly controlPlane: ControlPlane;
  readonly kubelets: Kubelets;
  readonly registry: TestRegistry;
  readonly machines: readonly WholeMachine[];
  readonly witness: Witness;
  readonly operators: readonly OperatorProcess[];
  /** Kills it and starts it again, at another port behind the same address. */
  restartOperator(index: number): Promise<void>;
  /** @returns as people write it in osImage */
  push(tag: string, image: Image): Promise<string>;
  applyImage(name: string, spec: object): Promise<void>;
  patchImage(name: string, spec: object): Promise<void>;
  status(name: string): Promise<ManagedOSImageStatus>;
  /** Waits until the look is content. @throws with what the status was at last */
  untilStatus(
    name: string,
    what: string,
    look: (status: ManagedOSImageStatus) => boolean,
    timeoutMs?: number,
  ): Promise<ManagedOSImageStatus>;
  /** Of one of the machines. */
  inventory(machine: WholeMachine): Promise<AnyObject>;
  isCordoned(machine: WholeMachine): Promise<boolean>;
  stop(): Promise<void>;
}

/** @throws after having taken down what was started */
export async function startSite(options: SiteOptions): Promise<Site> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of undo.splice(0).toReversed()) await one();
  };
  try {
    return await buildSite(options, undo, stop);
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}

async function buildSite(
  {
    folder,
    machines: count,
    operators: replicas = 1,
    mayBeForbidden = false,
    binariesFolder,
    machine,
    onStep,
  }: SiteOptions,
  undo: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<Site> {
  const say = onStep ?? (() => undefined);
  say("control plane, registry");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { flags, logFile } = auditRemovals(folder);
  const [controlPlane, registry] = await Promise.all([
    startControlPlane({
      folder: path.join(folder, "cp"),
      apiServerFlags: flags,
      ...(binariesFolder === undefined ? {} : { binariesFolder }),
    }),
    startRegistry({ folder: path.join(folder, "registry") }),
  ]);
  undo.push(
    () => controlPlane.stop(),
    () => registry.stop(),
  );
  await Promise.all([applyCrds(controlPlane), controlPlane.startControllerManager()]);
  for (const name of [SITE_NAMESPACE, OPERATOR_NAMESPACE, WORKLOADS_NAMESPACE]) {
    await createNamespace(controlPlane, name);
  }
  say("operators");
  const proxy = await startServiceProxy();
  undo.push(() => proxy.stop());
  const startReplica = (index: number): Promise<OperatorProcess> =>
    startOperator({
      folder,
      name: `operator-${index + 1}`,
      kubeconfigPath: controlPlane.kubeconfigPath,
      namespace: OPERATOR_NAMESPACE,
      serverUrl: proxy.url,
      flags: [`--insecure-registry=${registry.host}`],
      mayBeForbidden,
    });
  const operators = await startOperators(proxy, replicas, startReplica);
  undo.push(() => Promise.all(operators.map((one) => one.stop())));
  const kubelets = await startKubelets(controlPlane, { prefix: PREFIX, namespaces: [WORKLOADS_NAMESPACE] });
  undo.push(() => kubelets.abandon());
  const caFile = path.join(folder, "ca.pem");
  writeFileSync(caFile, await (await fetch(`${operators[0]?.httpUrl ?? ""}/v1-rancheros/cacerts`)).text());
  const { url } = await makeRegistration(controlPlane, SITE_NAMESPACE, "site", {
    machineName: "${System Information/Serial Number}-",
  });
  say("machines");
  const machines = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const one = await createWholeMachine({
        folder: path.join(folder, `m${index + 1}`),
        name: String(index + 1),
        number: index + 1,
        authority: controlPlane,
        kubelets,
        authorityFolder: path.join(folder, "tpm-ca"),
        release: releaseText("v1.0.0"),
        caFile,
        url,
        ...machine?.(index + 1),
      });
      undo.push(() => one.stop());
      return one;
    }),
  );
  await applyWorkloads(controlPlane, WORKLOADS_NAMESPACE, PREFIX);
  say("machines register");
  await Promise.all(machines.map((one) => one.register()));
  await untilAllRun(kubelets, count);
  const witness = new Witness({ target: controlPlane, namespace: SITE_NAMESPACE, prefix: PREFIX, auditLog: logFile });
  undo.push(() => witness.stop());
  await witness.watching();
  for (const one of machines) one.startAgent();

  const status = async (name: string): Promise<ManagedOSImageStatus> =>
    (await getObject(controlPlane, "managedosimage", SITE_NAMESPACE, name))?.status ?? {};
  return {
    controlPlane,
    kubelets,
    registry,
    machines,
    witness,
    operators,
    async restartOperator(index) {
      await operators[index]?.kill();
      operators[index] = await startReplica(index);
      proxy.setReplicas(operators.map(({ httpsUrl }) => httpsUrl));
    },
    async push(tag, image) {
      await pushImage(registry, "os", tag, image);
      return imageReference(registry, "os", tag);
    },
    async applyImage(name, spec) {
      const metadata = { name, namespace: SITE_NAMESPACE };
      await applyObjects(controlPlane, {
        apiVersion: "rancheros.cattle.io/v1",
        kind: "ManagedOSImage",
        metadata,
        spec,
      });
    },
    async patchImage(name, spec) {
      await patchObject(controlPlane, "managedosimage", SITE_NAMESPACE, name, { spec });
    },
    status,
    async untilStatus(name, what, look, timeoutMs = DEADLINE_MS) {
      const deadlineMs = performance.now() + timeoutMs;
      for (;;) {
        // The API server may be away.
        const found = await status(name).catch((): ManagedOSImageStatus => ({}));
        if (look(found)) return found;
        if (performance.now() > deadlineMs) {
          // What matters first: of long output the beginning alone may be kept.
          const { state, total, updated, updating, failed, pending, message } = found;
          const counts = JSON.stringify({ state, total, updated, updating, failed, pending, message });
          const journals = machines.map((one) => `${one.node}: ${JSON.stringify({ ...one.journal(), history: [] })}`);
          const logs = [
            ...machines.map((one) => [one.node, one.agentLog] as const),
            ...operators.map((one, index) => [`operator-${index + 1}`, one.log()] as const),
          ].map(([title, log]) => `${title}:\n${log.split("\n").slice(-12).join("\n")}`);
          const told = [...journals, ...logs, JSON.stringify(found)];
          throw new Error(`gave up waiting: ${what}; ${counts}\n${told.join("\n")}`);
        }
        await sleep(POLL_MS);
      }
    },
    async inventory(one) {
      const found = (await listInventories(controlPlane, SITE_NAMESPACE)).find(({ metadata }) =>
        metadata.name.startsWith(`s${one.number}-`),
      );
      if (found === undefined) throw new Error(`there is no MachineInventory of ${one.node}`);
      return found;
    },
    async isCordoned(one) {
      return (await getObject(controlPlane, "node", "", one.node))?.spec["unschedulable"] === true;
    },
    stop,
  };
}

async function startOperators(
  proxy: ServiceProxy,
  count: number,
  startReplica: (index: number) => Promise<OperatorProcess>,
): Promise<OperatorProcess[]> {
  const operators: OperatorProcess[] = [];
  for (let index = 0; index < count; index += 1) operators.push(await startReplica(index));
  proxy.setReplicas(operators.map(({ httpsUrl }) => httpsUrl));
  return operators;
}
