/** helm upgrade --force empties the leader's Lease: it stays that of who leads. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { connectKubernetes, loadKubeConfig } from "../../../packages/operator/src/controller/index.ts";
import { startLeadership, type Leadership } from "../../../packages/operator/src/leadership/index.ts";
import { CHART, helm } from "../../chart/helm.ts";
import { kubectlJson } from "../../control-plane/kubectl.ts";
import { useNamespace } from "../../control-plane/namespace.ts";

const target = inject("controlPlane");
const LOG = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const PATIENCE = { timeout: 20_000 };

describe.each([3, 4] as const)("helm %i", (major) => {
  const namespace = useNamespace(target, `emptied-${major}`);
  const release = `emptied-${major}`;
  const name = `rancheros-operator-${namespace}`;
  const run = (...args: readonly string[]): Promise<string> =>
    helm([...args, `--namespace=${namespace}`], { kubeconfigPath: target.kubeconfigPath, major });
  const spec = async (): Promise<Readonly<Record<string, unknown>>> => {
    const lease = await kubectlJson(target, ["get", "lease", name, `--namespace=${namespace}`]);
    return (lease as { readonly spec?: Readonly<Record<string, unknown>> }).spec ?? {};
  };
  const replicas: Leadership[] = [];
  /** To the API server. */
  let way: Promise<void> = Promise.resolve();

  /** @param mayBeHeldUp  whether it goes that way */
  function start(identity: string, mayBeHeldUp: boolean): Leadership {
    const kubernetes = connectKubernetes(loadKubeConfig(target.kubeconfigPath));
    const send: typeof kubernetes.send = async (request) => {
      if (mayBeHeldUp) await way;
      return kubernetes.send(request);
    };
    const options = { namespace, watchNamespace: namespace, identity, isElected: true };
    const replica = startLeadership({ ...kubernetes, send }, LOG, options);
    replicas.push(replica);
    return replica;
  }

  beforeAll(async () => {
    await run("install", release, CHART, "--set=crds.enabled=false", `--set=watchNamespace=${namespace}`);
  });
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await run("uninstall", release);
  });

  it("takes it from nobody: the leader writes back what was in it, and another one waits for that", async () => {
    const leader = start("first", true);
    await expect.poll(() => leader.isLeader(), PATIENCE).toBe(true);
    const second = start("second", false);
    const { acquireTime, leaseTransitions } = await spec();
    const opened = Promise.withResolvers<void>();
    onTestFinished(() => opened.resolve());
    way = opened.promise;
    const force = major === 3 ? ["--force"] : ["--force-replace", "--server-side=false"];
    await run("upgrade", release, CHART, "--reset-then-reuse-values", ...force);
    // Longer than the other one's pauses.
    await sleep(6_000);
    expect([await spec(), second.isLeader()]).toEqual([{}, false]);
    opened.resolve();
    await expect.poll(() => leader.isLeader(), PATIENCE).toBe(true);
    expect(await spec()).toMatchObject({ holderIdentity: "first", acquireTime, leaseTransitions });
    expect(second.isLeader()).toBe(false);
  });
});
