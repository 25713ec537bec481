/** The moments in which a kill or a power cut finds an upgrade: each write of the journal, and both sides of each act. */

export const FAULT_POINTS = [
  "journal:before",
  "journal:after",
  "step:before",
  "step:after",
  "pull:before",
  "pull:after",
  "cordon:before",
  "cordon:after",
  "drain:before",
  "drain:after",
  "container:before",
  "container:after",
  "stop:before",
  "stop:after",
  "uncordon:before",
  "uncordon:after",
  "remove-image:before",
  "remove-image:after",
  "checks:before",
  "checks:after",
] as const;

export type FaultPoint = (typeof FAULT_POINTS)[number];

/** Called at each of them. Tests end there; otherwise nothing happens. */
export type ReachPoint = (point: FaultPoint) => Promise<void> | void;
