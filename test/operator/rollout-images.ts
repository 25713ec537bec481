/** ManagedOSImages as rollout tests make, change and await them. */
import type { ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { applyObjects } from "../control-plane/apply-objects.ts";
import type { KubectlTarget } from "../control-plane/kubectl.ts";
import { eventually, getObject, patchObject, removeObject } from "./objects.ts";

export interface RolloutImages {
  make(name: string, spec: object): Promise<void>;
  /** By merge patch of the spec. */
  change(name: string, spec: object): Promise<void>;
  remove(name: string): Promise<void>;
  status(name: string): Promise<ManagedOSImageStatus>;
  /** Waits until the status is as wanted; tells how it stands where it does not come to that. */
  until(name: string, what: string, isSo: (status: ManagedOSImageStatus) => boolean): Promise<ManagedOSImageStatus>;
}

export function rolloutImages(target: KubectlTarget, namespace: string): RolloutImages {
  const images: RolloutImages = {
    async make(name, spec) {
      const metadata = { name, namespace };
      await applyObjects(target, { apiVersion: "rancheros.cattle.io/v1", kind: "ManagedOSImage", metadata, spec });
    },
    async change(name, spec) {
      await patchObject(target, "mosi", namespace, name, { spec });
    },
    async remove(name) {
      await removeObject(target, "mosi", namespace, name);
    },
    async status(name) {
      return (await getObject(target, "mosi", namespace, name))?.status ?? {};
    },
    async until(name, what, isSo) {
      let last: ManagedOSImageStatus = {};
      return eventually(async () => {
        last = await images.status(name);
        return isSo(last) ? last : undefined;
      }, what).catch((error: unknown) => {
        throw new Error(`${what}: it stands otherwise: ${JSON.stringify(last)}`, { cause: error });
      });
    },
  };
  return images;
}

export function conditionOf(status: ManagedOSImageStatus, type: string) {
  return status.conditions?.find((one) => one.type === type);
}
