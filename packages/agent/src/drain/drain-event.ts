/** What a drain says while it is under way. */
import type { PodName } from "./node-pod.ts";

export type DryRun = "none" | "client" | "server";

export type DrainEvent =
  /** changed: it was schedulable until now, so that it is for us to give it back. */
  | { readonly kind: "cordon"; readonly nodeName: string; readonly changed: boolean }
  /** In kubectl's words, without "Warning: ". */
  | { readonly kind: "warning"; readonly message: string }
  /** For each attempt. */
  | { readonly kind: "evicting"; readonly pod: PodName; readonly attempt: number }
  /** A PodDisruptionBudget does not let it go now. */
  | {
      readonly kind: "blocked";
      readonly pod: PodName;
      /** Name of the PodDisruptionBudget, in the pod's namespace; undefined where the API server does not tell. */
      readonly budget: string | undefined;
      /** The API server's. */
      readonly message: string;
      /** The API server's sentence about the budget; empty where there is none. */
      readonly why: string;
      readonly retryInMs: number;
    }
  /** Its namespace is being deleted, and it will be in a moment. */
  | {
      readonly kind: "namespace-terminating";
      readonly pod: PodName;
      readonly message: string;
      readonly retryInMs: number;
    }
  /** The API server agreed; it has its grace period now. */
  | { readonly kind: "waiting"; readonly pod: PodName }
  /** Nobody waits for it any longer, as it has been in deletion for more than these seconds. */
  | { readonly kind: "not-awaited"; readonly pod: PodName; readonly seconds: number }
  /** absent: it went without us. */
  | { readonly kind: "gone"; readonly pod: PodName; readonly how: "evicted" | "deleted" | "absent" }
  /** In kubectl's words. */
  | { readonly kind: "failed"; readonly pod: PodName; readonly how: "eviction" | "deletion"; readonly message: string }
  /** The API server is away or busy; what it should do is asked again. */
  | { readonly kind: "retry"; readonly pod?: PodName; readonly message: string; readonly retryInMs: number }
  /** What the API server was asked again it has answered. */
  | { readonly kind: "answered" }
  | { readonly kind: "drained"; readonly nodeName: string };
