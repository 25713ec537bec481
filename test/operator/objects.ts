/** The objects that operator tests make and look at. */
import { setTimeout as sleep } from "node:timers/promises";
import { kubectl, kubectlApply, kubectlJson, type KubectlTarget } from "../control-plane/kubectl.ts";

const DEADLINE_MS = 15_000;

/** Any object of the API server, as far as tests look into it. */
export interface AnyObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

/** Waits until the look gives something; tells what it last saw when it gives up. */
export async function eventually<Value>(
  look: () => Promise<Value | undefined>,
  what: string,
  deadlineMs = DEADLINE_MS,
): Promise<Value> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`gave up waiting: ${what}`);
    await sleep(50);
  }
}

export async function getObject(
  target: KubectlTarget,
  kind: string,
  namespace: string,
  name: string,
): Promise<AnyObject | undefined> {
  const args = ["get", kind, name, `--namespace=${namespace}`, "--ignore-not-found"];
  try {
    return (await kubectlJson(target, args)) as AnyObject;
  } catch (error) {
    // kubectl prints nothing, which is no JSON, for what is not there.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export async function listInventories(target: KubectlTarget, namespace: string): Promise<readonly AnyObject[]> {
  const list = (await kubectlJson(target, ["get", "machineinventories", `--namespace=${namespace}`])) as {
    items: AnyObject[];
  };
  return list.items;
}

/** Takes all machines of the namespace away. */
export async function removeInventories(target: KubectlTarget, namespace: string): Promise<void> {
  await kubectl(target, ["delete", "machineinventories", "--all", `--namespace=${namespace}`]);
}

export interface MadeRegistration {
  readonly token: string;
  readonly url: string;
}

/** Makes a MachineRegistration and waits for its URL. */
export async function makeRegistration(
  target: KubectlTarget,
  namespace: string,
  name: string,
  spec: Readonly<Record<string, unknown>> = {},
): Promise<MadeRegistration> {
  await kubectlApply(target, {
    apiVersion: "rancheros.cattle.io/v1",
    kind: "MachineRegistration",
    metadata: { name, namespace },
    spec,
  });
  return eventually(async () => {
    const status = (await getObject(target, "machineregistration", namespace, name))?.status;
    const { registrationToken: token, registrationURL: url } = status ?? {};
    return typeof token === "string" && typeof url === "string" ? { token, url } : undefined;
  }, `the URL of MachineRegistration ${name}`);
}
