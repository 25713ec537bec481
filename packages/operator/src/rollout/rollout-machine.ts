/** What rollouts know of a machine: where it belongs, its labels, how far its upgrade is. */
import type { Approval } from "@rancheros/protocol/attestation";
import type { Phase } from "@rancheros/protocol/upgrade";

/** What a machine has said of its upgrade, as its MachineInventory has it. */
export interface MachineUpgrade {
  /** The ManagedOSImage; undefined where somebody upgraded by hand. */
  readonly image: string | undefined;
  readonly plan: string | undefined;
  readonly attempt: number;
  readonly phase: Phase;
  readonly sinceMs: number | undefined;
  readonly heardMs: number | undefined;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  /** Text of RETRY_UPGRADE_ANNOTATION when this attempt began. */
  readonly retry?: string | undefined;
}

/** One MachineInventory; the inventory's own entries are of this shape. */
export interface RolloutMachine {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly approval: Approval;
  readonly beingDeleted: boolean;
  readonly rollout: {
    readonly clusterName: string | undefined;
    readonly role: string | undefined;
    /** The node's, and over them those of the MachineInventory. */
    readonly labels: Readonly<Record<string, string>>;
    /** Of the node that it has said to be; undefined where it never joined a cluster, or could not ask. */
    readonly nodeName?: string | undefined;
    readonly lastSeenMs: number | undefined;
    /** What it says of the operating system that it runs: the image's tag, or a version. */
    readonly osVersion?: string | undefined;
    /** Text of RETRY_UPGRADE_ANNOTATION. */
    readonly retry: string | undefined;
    readonly upgrade: MachineUpgrade | undefined;
  };
}
