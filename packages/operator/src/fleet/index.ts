/** Fleet: which clusters a target chooses, and Kubernetes' label selectors, in which targets are written. */
export { FleetIndex } from "./fleet-index.ts";
export { watchFleet } from "./io/fleet-watch.ts";
export type { FleetWatch } from "./io/fleet-watch.ts";
export { compileSelector, withLabelTexts } from "./label-selector.ts";
export type { CompiledSelector, LabelMatch, Labels, LabelSelector } from "./label-selector.ts";
export { compileTargets } from "./match-targets.ts";
export type { CompiledTargets, FleetCluster, FleetGroup, FleetTarget, TargetMatch } from "./match-targets.ts";
