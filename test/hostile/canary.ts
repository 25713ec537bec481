/** Secrets that are planted so that one can look for them where they must not be. */
import { randomBytes } from "node:crypto";

export interface Canary {
  readonly name: string;
  readonly text: string;
}

/** Letters and digits, as a registration token has them. */
export function plant(name: string): Canary {
  return { name, text: `canary${randomBytes(16).toString("hex")}` };
}

/** The forms in which a secret could stand somewhere. */
function formsOf(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  // Base64 of a text in the middle of another begins at one of three places; its ends depend on the neighbours.
  const inside = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    return encoded.slice(4, -3);
  });
  return [text, text.toUpperCase(), bytes.toString("hex"), text.split("").toReversed().join(""), ...inside];
}

/** @returns names of the canaries that stand in the text, in whatever form */
export function canariesIn(text: string, canaries: readonly Canary[]): readonly string[] {
  return canaries
    .filter(({ text: secret }) => formsOf(secret).some((form) => text.includes(form)))
    .map(({ name }) => name);
}
