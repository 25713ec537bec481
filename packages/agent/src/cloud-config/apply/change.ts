/** One thing that a cloud-config changes on a machine, as it is and as it shall be. */
import { createHash } from "node:crypto";

import { unifiedDiff } from "../unified-diff.ts";

export interface Change {
  /** A file, or `user NAME`. */
  readonly subject: string;
  /** undefined where there is nothing yet. */
  readonly before: string | undefined;
  readonly after: string;
  /** Passwords, tokens, and whatever others may not read: shown by its digest only. */
  readonly isSecret: boolean;
  /** What the services of the system have to be told, once it is done. */
  readonly activates?: Activation;
}

export type Activation =
  { readonly kind: "hostname"; readonly hostname: string } | { readonly kind: "restart"; readonly unit: string };

/** For people: what would be done, as a diff without secrets. */
export function describeChange({ subject, before, after, isSecret }: Change): string {
  const path = subject.startsWith("/") ? subject : `/${subject}`;
  if (!isSecret) return unifiedDiff(path, before, after);
  return unifiedDiff(path, before === undefined ? undefined : digestLine(before), digestLine(after));
}

function digestLine(text: string): string {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return `(not shown: for its owner only; ${Buffer.byteLength(text)} bytes, sha256 ${digest}...)\n`;
}
