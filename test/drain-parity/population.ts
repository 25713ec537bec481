/** Random populations of a node: what a drain can meet, with every owner, state and budget. */
import * as fc from "fast-check";

/** Who made a pod. "DaemonSet-gone" names one that does not exist; "Kruise" is a DaemonSet of another API group. */
export const OWNERS = [
  "ReplicaSet",
  "StatefulSet",
  "DaemonSet",
  "DaemonSet-gone",
  "Kruise",
  "Job",
  "mirror",
  "none",
  /** An owner that is no controller: as good as none. */
  "bystander",
] as const;
export type Owner = (typeof OWNERS)[number];

/**
 * in-grace: in deletion with much time left; held: in deletion for long, by a finalizer; finalizer: would be held.
 */
export type PodState = "ready" | "unready" | "succeeded" | "failed" | "in-grace" | "held" | "finalizer";

export interface GroupPlan {
  readonly app: string;
  readonly owner: Owner;
  readonly tier: "front" | "back";
  readonly emptyDir: boolean;
  /** One a pod. */
  readonly states: readonly PodState[];
}

export interface BudgetPlan {
  /** Index of a group; "all" selects all pods of the namespace; "nothing" has no selector. */
  readonly over: number | "all" | "nothing";
  readonly minAvailable?: number | string;
  readonly maxUnavailable?: number | string;
  readonly unhealthyPodEvictionPolicy?: "IfHealthyBudget" | "AlwaysAllow";
}

/** One node and its namespace. */
export interface Population {
  readonly groups: readonly GroupPlan[];
  readonly budgets: readonly BudgetPlan[];
  readonly cordonedBefore: boolean;
}

const state = fc.oneof(
  { weight: 12, arbitrary: fc.constant<PodState>("ready") },
  { weight: 2, arbitrary: fc.constant<PodState>("unready") },
  { weight: 1, arbitrary: fc.constantFrom<PodState>("succeeded", "failed", "in-grace", "held", "finalizer") },
);

const owner = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<Owner>("ReplicaSet", "StatefulSet") },
  { weight: 5, arbitrary: fc.constantFrom<Owner>("DaemonSet", "none", "Job", "mirror") },
  { weight: 1, arbitrary: fc.constantFrom<Owner>("DaemonSet-gone", "Kruise", "bystander") },
);

const group = fc.record({
  owner,
  tier: fc.constantFrom<"front" | "back">("front", "back"),
  emptyDir: fc.nat({ max: 3 }).map((one) => one === 0),
  states: fc.array(state, { minLength: 1, maxLength: 3, size: "max" }),
});

const limit: fc.Arbitrary<Pick<BudgetPlan, "minAvailable" | "maxUnavailable">> = fc.oneof(
  fc.record({ minAvailable: fc.constantFrom<number | string>(0, 1, 2, 3, "50%", "100%") }),
  fc.record({ maxUnavailable: fc.constantFrom<number | string>(0, 0, 1, 2, "30%", "100%") }),
);

const policy = fc.constantFrom<Pick<BudgetPlan, "unhealthyPodEvictionPolicy">>(
  {},
  { unhealthyPodEvictionPolicy: "IfHealthyBudget" },
  { unhealthyPodEvictionPolicy: "AlwaysAllow" },
);

const over: fc.Arbitrary<BudgetPlan["over"]> = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom<"all" | "nothing">("all", "nothing") },
);

const budget: fc.Arbitrary<BudgetPlan> = fc
  .tuple(over, limit, policy)
  .map(([selected, limits, unhealthy]) => ({ over: selected, ...limits, ...unhealthy }));

const budgets = fc.oneof(
  { weight: 3, arbitrary: fc.array(budget, { maxLength: 0 }) },
  { weight: 4, arbitrary: fc.array(budget, { minLength: 1, maxLength: 1 }) },
  { weight: 2, arbitrary: fc.array(budget, { minLength: 2, maxLength: 2 }) },
);

const population: fc.Arbitrary<Population> = fc
  .record({
    groups: fc.array(group, { minLength: 1, maxLength: 4, size: "max" }),
    budgets,
    cordonedBefore: fc.nat({ max: 9 }).map((one) => one === 0),
  })
  .map((drawn) => ({
    ...drawn,
    groups: drawn.groups.map((one, index) => ({ ...one, ...withoutImpossible(one), app: `app${index}` })),
    budgets: drawn.budgets.map((one) => {
      const isBeyond = typeof one.over === "number" && one.over >= drawn.groups.length;
      return isBeyond ? { ...one, over: "all" as const } : one;
    }),
  }));

/** Static pods run as long as their file is there. */
function withoutImpossible({ owner, states }: Pick<GroupPlan, "owner" | "states">): Partial<GroupPlan> {
  return owner === "mirror" ? { states: states.map(() => "ready" as const) } : {};
}

/** @returns the same populations for the same seed */
export function randomPopulations(seed: number, count: number): readonly Population[] {
  return fc.sample(population, { seed, numRuns: count });
}
