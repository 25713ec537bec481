/** Operators for one test file: a namespace, as many replicas as asked, and all of it gone afterwards. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { KubectlTarget } from "../control-plane/kubectl.ts";
import { useNamespace } from "../control-plane/namespace.ts";
import { makeRegistration, type MadeRegistration } from "./objects.ts";
import { startOperator, type OperatorOptions, type OperatorProcess } from "./operator-process.ts";

export interface UseOperatorOptions extends Pick<
  OperatorOptions,
  "flags" | "command" | "environment" | "serverUrl" | "chartValues"
> {
  /** Default 1. The second and later ones give out the first one's address, as behind one Service. */
  readonly replicas?: number;
  /** By how many milliseconds the clock of each one is ahead of the real one; undefined: it is the real one. */
  readonly aheadMs?: readonly number[];
}

export interface UsedOperators {
  readonly namespace: string;
  /** For what the test keeps; removed with the rest. */
  readonly folder: string;
  /** The first one; there is one as soon as the file's hooks run. */
  readonly operator: OperatorProcess;
  readonly replicas: readonly OperatorProcess[];
  /** Makes a MachineRegistration in the namespace and waits for its URL. */
  makeDoor(name: string, spec?: Readonly<Record<string, unknown>>): Promise<MadeRegistration>;
  /** The address of rancherd's protocol with this token, as a proxy that ends TLS would ask for it. */
  legacyUrl(token: string): string;
}

/**
 * Gives the calling test file running operators, by hooks of that file. Call it at the top of the file, before hooks that
 * need them.
 * @param prefix  begins the name of the namespace and of the folder
 */
export function useOperator(target: KubectlTarget, prefix: string, options: UseOperatorOptions = {}): UsedOperators {
  const { replicas: count = 1, aheadMs = [], ...given } = options;
  const namespace = useNamespace(target, prefix);
  const folder = mkdtempSync(path.join(tmpdir(), `${prefix}-`));
  const replicas: OperatorProcess[] = [];
  const common = { folder, kubeconfigPath: target.kubeconfigPath, namespace, watchNamespace: namespace, ...given };

  const clockOf = (index: number): Pick<OperatorOptions, "clock"> => {
    const ahead = aheadMs[index];
    return ahead === undefined ? {} : { clock: { epochMs: Date.now(), factor: 1, aheadMs: ahead } };
  };

  beforeAll(async () => {
    const first = await startOperator({ ...common, ...clockOf(0) });
    replicas.push(first);
    for (let number = 2; number <= count; number += 1) {
      const { serverUrl = first.httpsUrl } = given;
      replicas.push(await startOperator({ ...common, ...clockOf(number - 1), name: `replica-${number}`, serverUrl }));
    }
  });
  afterAll(async () => {
    await Promise.all(replicas.map((one) => one.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  const used: UsedOperators = {
    namespace,
    folder,
    replicas,
    get operator() {
      const [first] = replicas;
      if (first === undefined) throw new Error("the operator has not been started yet");
      return first;
    },
    makeDoor: async (name, spec) => makeRegistration(target, namespace, name, spec),
    legacyUrl: (token) => `${used.operator.httpUrl}/v1-rancheros/registration/${token}`,
  };
  return used;
}
