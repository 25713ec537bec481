import type { FleetIndex } from "../fleet/index.ts";
import type { CompiledImage } from "./compile-image.ts";

/** Names of the Fleet clusters that the image is for; undefined where it has no targets to match, as for the local cluster. */
export function chosenBy(
  fleet: Pick<FleetIndex, "chosen">,
  { claim, object }: CompiledImage,
): ReadonlySet<string> | undefined {
  const targets = claim?.targets;
  return targets === undefined ? undefined : fleet.chosen(object.metadata.namespace, targets);
}
