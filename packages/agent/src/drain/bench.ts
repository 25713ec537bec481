/** What all steps of one drain work with. */
import type { KubernetesClient } from "../kubernetes/index.ts";
import type { Course, DrainOutside } from "./course.ts";
import type { DrainEvent } from "./drain-event.ts";
import type { DrainOptions } from "./drain-options.ts";
import type { PodFailure } from "./errors.ts";
import type { NodePod } from "./node-pod.ts";

export interface Bench {
  readonly outside: DrainOutside;
  readonly client: KubernetesClient;
  readonly nodeName: string;
  readonly options: DrainOptions;
  readonly isDryRun: boolean;
  readonly course: Course;
  readonly onEvent: (event: DrainEvent) => void;
}

/** How it ended with a pod. */
export type PodEnding =
  | { readonly kind: "removed"; readonly pod: NodePod }
  /** It went without us, or is another one by now. */
  | { readonly kind: "absent"; readonly pod: NodePod }
  | { readonly kind: "not-awaited"; readonly pod: NodePod }
  /** Still there, because another one's failure ended the work. */
  | { readonly kind: "left-over"; readonly pod: NodePod }
  | { readonly kind: "failed"; readonly pod: NodePod; readonly failure: PodFailure };
