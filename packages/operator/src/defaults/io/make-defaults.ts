/** Makes default objects at the API server where they are missing. Objects that are there are nobody's business but the user's. */
import { API_GROUP, API_VERSION } from "@rancheros/protocol/resources";
import { hasCode } from "@rancheros/protocol/errors";
import { createWorkQueue, retryTimer, type Kubernetes } from "../../controller/index.ts";
import { createTroubles, errorFields, hintOf, type Log } from "../../telemetry/index.ts";
import type { DefaultObject } from "../parse-defaults.ts";

export interface MakingDefaults {
  stop(): void;
}

function keyOf({ plural, namespace, name }: DefaultObject): string {
  return `${plural}/${namespace}/${name}`;
}

/** @returns whether it was missing @throws KubernetesError */
async function makeWhereMissing(kubernetes: Kubernetes, object: DefaultObject): Promise<boolean> {
  const path = `/apis/${API_GROUP}/${API_VERSION}/namespaces/${object.namespace}/${object.plural}`;
  try {
    await kubernetes.send({ method: "POST", path, body: object.body });
    return true;
  } catch (error) {
    // Also when another replica was faster.
    if (hasCode(error, "KUBERNETES_ALREADY_EXISTS")) return false;
    throw error;
  }
}

/** Tries until each object is there: its kind or its namespace may come later. Each trouble is logged once. */
export function makeDefaults(kubernetes: Kubernetes, log: Log, objects: readonly DefaultObject[]): MakingDefaults {
  const byKey = new Map(objects.map((object) => [keyOf(object), object]));
  const troubles = createTroubles(() => performance.now());
  const queue = createWorkQueue({
    async work(key) {
      const object = byKey.get(key);
      if (object === undefined || !(await makeWhereMissing(kubernetes, object))) return;
      log.info("default object made", { object: key });
    },
    onFailure(key, error) {
      const fields = errorFields(error);
      if (!troubles.isNews(key, fields.error)) return;
      log.warn("default object not made yet", { object: key, ...fields, hint: hintOf(error) });
    },
    random: Math.random,
    setTimer: retryTimer,
  });
  for (const key of byKey.keys()) queue.add(key);
  return { stop: () => queue.stop() };
}
