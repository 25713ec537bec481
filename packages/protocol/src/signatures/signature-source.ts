/** What is asked of a registry for signatures. */

/** A part of the list of what refers to a digest. */
export interface ReferrersPage {
  /** As it came; whether it is an index is for the reader to see. */
  readonly index: Buffer;
  /** Asks for the one behind it, where the registry says that there is one. @throws the registry's own errors */
  readonly next: (() => Promise<ReferrersPage>) | undefined;
}

export interface SignatureSource {
  /**
   * The image's own manifest, or its index.
   * @returns the bytes that the digest names
   * @throws the registry's own errors, also where there is none
   */
  image(digest: string): Promise<Buffer>;
  /**
   * A manifest by tag or digest; whoever has asked by digest gets the bytes that it names.
   * @returns undefined where the registry says that there is none
   * @throws the registry's own errors
   */
  manifest(tagOrDigest: string): Promise<Buffer | undefined>;
  /**
   * What refers to the digest.
   * @returns undefined where the registry does not know such a list, and answers otherwise than with an index
   * @throws the registry's own errors
   * Source: OCI distribution-spec 1.1, "Listing Referrers"
   */
  referrers(digest: string): Promise<ReferrersPage | undefined>;
  /**
   * The bytes that the digest names.
   * @param maxBytes  more is an error of the registry
   * @returns undefined where the registry says that there is none
   */
  blob(digest: string, maxBytes: number): Promise<Buffer | undefined>;
}
