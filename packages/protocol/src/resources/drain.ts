/** How a node is drained: kubectl drain's options under the document's names. */
import { Type, type Static } from "typebox";
import { GO_DURATION } from "../durations/index.ts";
import { duration } from "./duration.ts";
import { labelSelector, nullable } from "./schema-parts.ts";

export const drain = Type.Object(
  {
    timeout: Type.Optional(
      duration("drain.timeout", {
        description: "How long to try before giving up, as kubectl drain --timeout; 0 is without end.",
      }),
    ),
    gracePeriod: Type.Optional(
      Type.Union([Type.Integer({ minimum: -1 }), Type.String({ maxLength: 64 })], {
        description:
          "Time that each pod has to end by itself, as kubectl drain --grace-period; -1 leaves it to the pod.",
        "x-kubernetes-validations": [
          {
            rule: `type(self) == string ? (size(self) <= 64 && (self == '-1' || self.matches('${GO_DURATION}'))) : int(self) >= -1`,
            message: "drain.gracePeriod must be a duration such as 5m, a number of seconds, or -1",
          },
        ],
      }),
    ),
    deleteLocalData: Type.Optional(
      nullable(Type.Boolean(), {
        description:
          "Go on even if pods use emptyDir, whose data is lost, as kubectl drain --delete-emptydir-data. Absent is false, as with kubectl, and not true, as with the system-upgrade-controller.",
      }),
    ),
    ignoreDaemonSets: Type.Optional(
      nullable(Type.Boolean(), {
        description:
          "Leave DaemonSet pods alone, as kubectl drain --ignore-daemonsets. Absent is false, as with kubectl, and not true, as with the system-upgrade-controller: the drain then stops at a node that has such a pod.",
      }),
    ),
    force: Type.Optional(
      Type.Boolean({ description: "Also delete pods that no controller would make again, as kubectl drain --force." }),
    ),
    disableEviction: Type.Optional(
      Type.Boolean({
        description:
          "Delete pods instead of evicting them, past their PodDisruptionBudgets, as kubectl drain --disable-eviction.",
      }),
    ),
    skipWaitForDeleteTimeout: Type.Optional(
      duration("drain.skipWaitForDeleteTimeout", {
        description:
          "Do not wait for pods that have been in deletion for longer than this, as kubectl drain --skip-wait-for-delete-timeout.",
      }),
    ),
    podSelector: Type.Optional(nullable(labelSelector, { description: "Drain only pods that this selector matches." })),
  },
  { description: "Parameters of the drain; see kubectl drain --help for what they mean." },
);

export type Drain = Static<typeof drain>;
