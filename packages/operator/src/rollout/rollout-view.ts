/** What decisions about one image go by. */
import type { PathRefusal } from "../versions/index.ts";
import type { CompiledImage } from "./compile-image.ts";
import type { Counts } from "./slot.ts";
import type { Heard } from "./hearing.ts";
import type { Holder } from "./slot-fate.ts";
import type { Seen } from "./tally.ts";

/** What one cluster looks like to an image. */
export interface ClusterView {
  /** Machines that the image has there. */
  readonly total: number;
  /** Servers of the cluster that count for its quorum, whichever image has them. */
  readonly servers: number;
  /** UIDs of servers that are away for another reason than a slot of this image; some of them may hold one. */
  otherServersAway(): ReadonlySet<string>;
  /** UIDs of machines of the image that are in the middle of an upgrade, whoever began it, with a slot or without. */
  busy(): readonly string[];
}

/** What a replica knows around an image; another replica may know something else. */
export interface RolloutView {
  readonly image: CompiledImage;
  readonly plan: string | undefined;
  /** Since when this replica hears what machines say; see createHearing. */
  readonly heard: Heard;
  readonly counts: Counts;
  readonly conflicts: ReadonlyMap<string, number>;
  readonly refusals: ReadonlyMap<string, PathRefusal>;
  readonly clusters: number;
  /** Names of servers whose silence keeps the others of their clusters from starting. */
  silentServers(): readonly string[];
  /** @param atMs  since when the status names the machine */
  holder(uid: string, atMs: number): Holder;
  seen(uid: string): Seen | undefined;
  cluster(name: string): ClusterView;
}
