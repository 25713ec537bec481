/** What a software TPM returned; `origin` in the file says how it was made. */
import vectors from "./testdata/swtpm.json" with { type: "json" };

export const swtpm = vectors;

export function hex(digits: string): Buffer {
  return Buffer.from(digits, "hex");
}

/** A public area of testdata by name, so that a wrong name fails the test that has it. */
export function publicAreaVector(name: string): Buffer {
  const vector = new Map(Object.entries(swtpm.publicAreas)).get(name);
  if (vector === undefined) {
    throw new Error(`testdata/swtpm.json has no public area ${name}`);
  }
  return hex(vector.public);
}
