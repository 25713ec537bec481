/** Names a canary.selector, to tell it from another one of the same image. */
import { createHash } from "node:crypto";
import { withLabelTexts, type LabelSelector } from "../fleet/index.ts";
import { canonicalJson } from "./plan-id.ts";

const ID_CHARACTERS = 16;

/** Stays as it is from one version of the operator to the next: under another name canaries would be waited for anew. */
export function canariesId(selector: LabelSelector | undefined): string {
  return createHash("sha256")
    .update(canonicalJson(selector && withLabelTexts(selector)))
    .digest("hex")
    .slice(0, ID_CHARACTERS);
}
