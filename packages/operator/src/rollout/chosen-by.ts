/** Which of Fleet's clusters an image is for, and what of Fleet's groups keeps that from being told. */
import type { FleetIndex } from "../fleet/index.ts";
import type { CompiledImage } from "./compile-image.ts";
import type { ImageState } from "./image-state.ts";
import { sameSet } from "./same-set.ts";

export type FleetLookup = Pick<FleetIndex, "chosen" | "unclear">;

export interface Choice {
  /** With what is wrong with ClusterGroups among its problems, as far as they matter to it; the same one where that is as it was. */
  readonly image: CompiledImage;
  /** Names of clusters; undefined where the image has no targets to match, as for the local cluster. */
  readonly chosen: ReadonlySet<string> | undefined;
}

export function chosenBy(fleet: FleetLookup, image: CompiledImage): Choice {
  const { claim, object, ofSpec } = image;
  const { namespace } = object.metadata;
  const targets = claim?.targets;
  if (targets === undefined) return { image, chosen: undefined };
  const chosen = fleet.chosen(namespace, targets);
  const { problems = [], isKnown = true } = fleet.unclear(namespace, targets) ?? {};
  const next = {
    ...image,
    problems: [...ofSpec.problems, ...problems],
    claimProblems: [...ofSpec.claimProblems, ...problems],
    isUnclear: !isKnown,
  };
  const isSame = next.isUnclear === image.isUnclear && next.problems.join("\n") === image.problems.join("\n");
  return { image: isSame ? image : next, chosen };
}

export function isSameChoice({ image, chosen }: Choice, state: ImageState): boolean {
  return image === state.image && sameSet(chosen, state.chosen);
}
