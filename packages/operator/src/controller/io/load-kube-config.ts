/** The kubeconfig of the cluster: of files that somebody names, of the user, or of the pod. */
import type { KubeConfig } from "@kubernetes/client-node";
import { systemCode } from "@rancheros/protocol/errors";
import { KubernetesError } from "../errors.ts";
import { TrustingKubeConfig } from "./trusting-kube-config.ts";

/** What the library falls back to when it finds nothing. */
const NOWHERE = "http://localhost:8080";

/**
 * @param files  one that has to be there, or several, of which some may be missing: they are merged as kubectl does it, where
 *               the first file that has a value or a name wins. None: the user's own, then the ServiceAccount of the pod
 * @throws KubernetesError  KUBERNETES_KUBECONFIG
 */
export function loadKubeConfig(...files: readonly string[]): KubeConfig {
  if (files.length === 0) return loadDefault();
  const there = files.flatMap((file) => loadFile(file, files.length > 1) ?? []);
  if (there.length === 0) {
    throw new KubernetesError("KUBERNETES_KUBECONFIG", `there is no kubeconfig at ${files.join(" or ")}`);
  }
  const config = new TrustingKubeConfig();
  config.loadFromOptions({
    clusters: firstOfEachName(there.flatMap(({ clusters }) => clusters)),
    users: firstOfEachName(there.flatMap(({ users }) => users)),
    contexts: firstOfEachName(there.flatMap(({ contexts }) => contexts)),
    currentContext: there.find(({ currentContext }) => Boolean(currentContext))?.currentContext,
  });
  return config;
}

function loadDefault(): KubeConfig {
  const config = loaded("", (fresh) => fresh.loadFromDefault());
  if (config.getCurrentCluster()?.server === NOWHERE) {
    throw new KubernetesError("KUBERNETES_KUBECONFIG", "there is no kubeconfig, and this is no pod");
  }
  return config;
}

/** @returns undefined where there is no such file and there may be none */
function loadFile(file: string, mayBeMissing: boolean): KubeConfig | undefined {
  try {
    return loaded(` ${file}`, (fresh) => fresh.loadFromFile(file));
  } catch (error) {
    if (mayBeMissing && error instanceof KubernetesError && systemCode(error.cause) === "ENOENT") return undefined;
    throw error;
  }
}

function loaded(name: string, load: (config: KubeConfig) => void): KubeConfig {
  const config = new TrustingKubeConfig();
  try {
    load(config);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new KubernetesError("KUBERNETES_KUBECONFIG", `cannot read the kubeconfig${name}: ${why}`, { cause });
  }
  return config;
}

function firstOfEachName<Named extends { readonly name: string }>(all: readonly Named[]): readonly Named[] {
  const first = new Map<string, Named>();
  for (const one of all) if (!first.has(one.name)) first.set(one.name, one);
  return [...first.values()];
}
