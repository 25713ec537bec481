/** What an administrator does to doors and machines while a visit is under way. */
import type { KubectlTarget } from "../control-plane/kubectl.ts";
import {
  eventually,
  getObject,
  listInventories,
  makeRegistration,
  patchObject,
  removeObject,
} from "../operator/objects.ts";

type Spec = Readonly<Record<string, unknown>>;

export interface Hands {
  /** @returns the token */
  makeDoor(name: string, spec?: Spec): Promise<string>;
  changeDoor(name: string, spec: Spec): Promise<void>;
  removeDoor(name: string): Promise<void>;
  /** Until its status says so: what changes after that is an attack's doing. */
  denyMachine(name: string): Promise<void>;
  removeMachine(name: string): Promise<void>;
  /** Name of the machine with this endorsement key. */
  findMachine(ekHash: string): Promise<string>;
}

export function hands(target: KubectlTarget, namespace: string): Hands {
  return {
    makeDoor: async (name, spec) => (await makeRegistration(target, namespace, name, spec)).token,
    changeDoor: async (name, spec) => patchObject(target, "mreg", namespace, name, { spec }),
    removeDoor: async (name) => removeObject(target, "mreg", namespace, name),
    async denyMachine(name) {
      await patchObject(target, "minv", namespace, name, { spec: { approval: "Denied" } });
      await eventually(async () => {
        const { conditions } = (await getObject(target, "minv", namespace, name))?.status ?? {};
        const shown = (conditions ?? []) as readonly { readonly type: string; readonly status: string }[];
        return shown.find(({ type }) => type === "Approved")?.status === "False" ? true : undefined;
      }, `the status of ${name} says that it is denied`);
    },
    removeMachine: async (name) => removeObject(target, "minv", namespace, name),
    async findMachine(ekHash) {
      const found = (await listInventories(target, namespace)).find(({ spec }) => spec["tpm"] === ekHash);
      if (found === undefined) throw new Error(`no machine has the endorsement key ${ekHash}`);
      return found.metadata.name;
    },
  };
}
