/** Which images have to be signed on this machine. */
import type { ImagePolicy } from "@rancheros/protocol/signatures";

import { ok, skipped, type Verdict } from "./verdict.ts";

/** @param policies  all of them can be read: what cannot is a failure of whoever reads them */
export function judgeImagePolicy(policies: readonly ImagePolicy[]): Verdict<undefined> {
  const rules = policies.flatMap((policy) => policy.rules);
  if (policies.length === 0) return skipped("no image has to be signed here");
  const hardlyMeant = policies.flatMap(({ warnings }) => warnings);
  const many = `${rules.length} ${rules.length === 1 ? "rule says" : "rules say"} which images have to be signed`;
  return ok([many, ...hardlyMeant].join("; "));
}
