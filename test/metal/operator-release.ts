/** A release of the chart in a cluster whose pods really run: what helm, the API server and the node's kernel say of it. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { helm } from "../chart/helm.ts";
import { kubectl, kubectlJson } from "../control-plane/kubectl.ts";
import { getObject, type AnyObject } from "../operator/objects.ts";
import type { PodCluster } from "./pod-cluster.ts";
import { patiently } from "./rollout.ts";

/** For what hangs: without KVM the executable takes ten seconds and more to start. */
const DEADLINE_MS = 10 * 60_000;
const JOURNAL_MS = 2 * 60_000;
const EXECUTABLE = "/usr/bin/rancheros-operator";

export interface Pod extends AnyObject {
  readonly metadata: AnyObject["metadata"] & { readonly deletionTimestamp?: string };
  readonly status?: {
    readonly phase?: string;
    readonly containerStatuses?: readonly { readonly ready: boolean; readonly restartCount: number }[];
  };
}

export class OperatorRelease {
  readonly #cluster: PodCluster;
  readonly #namespace: string;
  readonly #name: string;

  constructor(cluster: PodCluster, namespace: string, name: string) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#name = name;
  }

  /** In the release's namespace. @returns what it printed */
  async helm(...args: readonly string[]): Promise<string> {
    return helm(["-n", this.#namespace, ...args], { kubeconfigPath: this.#cluster.controlPlane.kubeconfigPath });
  }

  /** In the release's namespace. @returns what it printed */
  async kubectl(...args: readonly string[]): Promise<string> {
    return kubectl(this.#cluster.controlPlane, ["-n", this.#namespace, ...args], { timeoutMs: DEADLINE_MS });
  }

  async pods(): Promise<readonly Pod[]> {
    const list = await kubectlJson(this.#cluster.controlPlane, ["-n", this.#namespace, "get", "pods"]);
    return (list as { readonly items: readonly Pod[] }).items;
  }

  /** Waits until two replicas are ready, and none is on its way out. */
  async rolledOut(): Promise<readonly Pod[]> {
    await this.kubectl("rollout", "status", `deployment/${this.#name}`, `--timeout=${DEADLINE_MS / 1000}s`);
    let pods: readonly Pod[] = [];
    const isServing = ({ metadata, status }: Pod): boolean =>
      metadata.deletionTimestamp === undefined && status?.containerStatuses?.[0]?.ready === true;
    await patiently(
      async () => {
        pods = await this.pods();
        return pods.length === 2 && pods.every(isServing);
      },
      "two replicas",
      DEADLINE_MS,
    );
    return pods;
  }

  /** @returns all that its pods have logged, but for what ended */
  async log(): Promise<string> {
    return this.kubectl("logs", `deployment/${this.#name}`, "--all-pods", "--tail=-1");
  }

  /** @returns the name of the pod that holds the Lease; "" where none of them does */
  async leader(): Promise<string> {
    const lease = await getObject(this.#cluster.controlPlane, "lease", this.#namespace, this.#name);
    const holder = String(lease?.spec["holderIdentity"]);
    return (await this.pods()).map(({ metadata }) => metadata.name).find((name) => holder.includes(name)) ?? "";
  }

  /** Runs a command on the node for each process of the operator, which is $one: /proc/PID. @returns the lines of all */
  async inEach(command: string): Promise<readonly string[]> {
    // One process looks at all: each fork costs an emulated machine a tenth of a second.
    const find = `find /proc -maxdepth 2 -name exe -lname ${EXECUTABLE} -printf '%h\\n' 2>/dev/null`;
    const said = await this.#cluster.machine.must(`for one in $(${find}); do ${command}; done`);
    return said.split("\n");
  }

  /** What the kernel says of each process: the line of that name in its status. */
  async kernelSays(name: string): Promise<readonly string[]> {
    return this.inEach(`sed -n 's/^${name}:[[:space:]]*//p' $one/status`);
  }

  /** What helps to see why it does not do what it should. @param logs  a folder for what is longer */
  async whyNot(logs: string): Promise<string> {
    const { controlPlane, machine } = this.#cluster;
    const quiet = (what: Promise<string>): Promise<string> => what.catch(String);
    const [pods, events, said, journal] = await Promise.all([
      quiet(kubectl(controlPlane, ["get", "pods", "-A", "-o", "wide"])),
      quiet(kubectl(controlPlane, ["get", "events", "-A", "--sort-by=.lastTimestamp"])),
      quiet(this.kubectl("logs", `deployment/${this.#name}`, "--all-pods", "--tail=20")),
      quiet(machine.must("journalctl --no-pager --boot --output=short-monotonic", JOURNAL_MS)),
    ]);
    mkdirSync(logs, { recursive: true });
    writeFileSync(path.join(logs, "operator-in-cluster-journal.log"), journal);
    const end = (text: string, lines: number): string => text.trimEnd().split("\n").slice(-lines).join("\n");
    return [
      `-- pods\n${pods}\n-- events\n${end(events, 40)}\n-- operator\n${said}`,
      `-- journal\n${end(journal, 30)}\n-- serial port\n${machine.lastSerialLines(10)}\n-- more in ${logs}`,
    ].join("\n");
  }
}
