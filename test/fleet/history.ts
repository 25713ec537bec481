/** Every state that the API server has stored of the images and machines of a namespace, in the order in which it stored them. */
import type { MachineInventory, ManagedOSImage } from "@rancheros/protocol/resources";
import type { ApiClient } from "../control-plane/api-client.ts";

export type StoredState =
  | { readonly kind: "image"; readonly version: number; readonly object: ManagedOSImage }
  | { readonly kind: "machine"; readonly version: number; readonly object: MachineInventory };

export interface History {
  /** Resource versions of one API server count for all kinds. */
  states(): readonly StoredState[];
  /** @throws what has broken the watch: then states are missing */
  stop(): Promise<void>;
}

const PLURALS = { image: "managedosimages", machine: "machineinventories" } as const;

/** Begins with the next state that is stored. */
export async function recordHistory(client: ApiClient, namespace: string): Promise<History> {
  const states: StoredState[] = [];
  const over = new AbortController();
  async function record(kind: StoredState["kind"]): Promise<() => Promise<void>> {
    const path = `/apis/rancheros.cattle.io/v1/namespaces/${namespace}/${PLURALS[kind]}`;
    const list = (await client.get(`${path}?limit=1`)) as { readonly metadata: { readonly resourceVersion: string } };
    return async () => {
      for await (const { type, object } of client.watch(
        `${path}?resourceVersion=${list.metadata.resourceVersion}`,
        over.signal,
      )) {
        if (type === "ERROR") throw new Error(`the watch of ${path} broke: ${JSON.stringify(object)}`);
        if (type === "ADDED" || type === "MODIFIED") states.push(stateOf(kind, object));
      }
      throw new Error(`the watch of ${path} has ended`);
    };
  }
  const followed = (await Promise.all([record("image"), record("machine")])).map(async (follow) =>
    follow().then(
      () => undefined,
      (error: unknown) => (over.signal.aborted ? undefined : error),
    ),
  );
  return {
    states: () => states.toSorted((a, b) => a.version - b.version),
    async stop() {
      over.abort();
      const trouble = (await Promise.all(followed)).find((one) => one !== undefined);
      if (trouble !== undefined) throw new Error("states are missing", { cause: trouble });
    },
  };
}

function stateOf(kind: StoredState["kind"], object: unknown): StoredState {
  const version = Number((object as ManagedOSImage).metadata.resourceVersion);
  return kind === "image"
    ? { kind, version, object: object as ManagedOSImage }
    : { kind, version, object: object as MachineInventory };
}
