/** The operator of an installed release as a process: with the settings of its Deployment and the login of its ServiceAccount. */
import { kubectlJson } from "../control-plane/kubectl.ts";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import { startOperator, type OperatorProcess } from "../operator/operator-process.ts";
import { writeAccountKubeconfig } from "./operator-login.ts";
import { NAMESPACE, RELEASE } from "./use-release-cluster.ts";

interface Deployment {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly serviceAccountName: string;
        readonly containers: readonly [
          { readonly env: readonly { readonly name: string; readonly value?: string }[] },
          ...unknown[],
        ];
      };
    };
  };
}

/**
 * What the kubelet would start of the Deployment as it is now, but for where it listens.
 * @param name  of its log
 */
export async function startReleasedOperator(
  controlPlane: ControlPlane,
  folder: string,
  name: string,
): Promise<OperatorProcess> {
  const found = await kubectlJson(controlPlane, ["get", "deployment", RELEASE, `--namespace=${NAMESPACE}`]);
  const { spec } = (found as Deployment).spec.template;
  const values = spec.containers[0].env.flatMap(({ name: key, value }) => (value === undefined ? [] : [[key, value]]));
  const account = { namespace: NAMESPACE, name: spec.serviceAccountName };
  return startOperator({
    folder,
    name,
    kubeconfigPath: await writeAccountKubeconfig(folder, controlPlane.kubeconfigPath, account),
    rights: "given",
    namespace: NAMESPACE,
    // The environment says it.
    serverUrl: "",
    environment: Object.fromEntries(values) as Readonly<Record<string, string>>,
  });
}
