/** Something that lies beside an image as its signature: nothing is believed of it yet. */

/** As cosign signs by default up to version 2: a payload beside the image, its signature in an annotation. */
export interface SimpleCandidate {
  readonly kind: "simple";
  readonly payload: Buffer;
  readonly signature: Buffer;
  /** Of the manifest's entry: certificate and log entry of who signs without a key. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Sigstore's bundle. */
export interface BundleCandidate {
  readonly kind: "bundle";
  readonly document: Readonly<Record<string, unknown>>;
}

/** What cannot be one of those. */
export interface BrokenCandidate {
  readonly kind: "broken";
  readonly problem: string;
}

/** There may be more, and nobody looks for them. */
export interface EndlessCandidates {
  readonly kind: "endless";
}

export type Candidate = SimpleCandidate | BundleCandidate | BrokenCandidate;
