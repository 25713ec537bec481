/** What Node itself is made of, by its own account (process.versions), and the licences that its LICENSE file tells, or the part's own where that is silent. */

/** SPDX identifiers or expressions. Undefined: no part but a number, as the version of an interface. */
const LICENSES: Readonly<Record<string, string | undefined>> = {
  acorn: "MIT",
  ada: "MIT",
  amaro: "MIT",
  ares: "MIT",
  brotli: "MIT",
  cjs_module_lexer: "MIT",
  cldr: "Unicode-3.0",
  icu: "Unicode-3.0",
  libffi: "MIT",
  lief: "Apache-2.0",
  llhttp: "MIT",
  merve: "MIT",
  modules: undefined,
  napi: undefined,
  nbytes: "MIT",
  ncrypto: "MIT",
  nghttp2: "MIT",
  nghttp3: "MIT",
  ngtcp2: "MIT",
  node: undefined,
  openssl: "Apache-2.0",
  simdjson: "Apache-2.0",
  simdutf: "MIT",
  sqlite: "blessing",
  temporal_rs: "MIT OR Apache-2.0",
  tz: undefined,
  undici: "MIT",
  unicode: undefined,
  uv: "MIT",
  uvwasi: "MIT",
  v8: "BSD-3-Clause",
  zlib: "Zlib",
  zstd: "BSD-3-Clause",
};

export interface PartOfNode {
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

/** Those that are there: Node knows the names of some that this build of it does not have. @throws Error  a part that the table above does not know */
export function partsOfNode(versions: Readonly<Record<string, string | undefined>>): readonly PartOfNode[] {
  return Object.keys(versions)
    .sort()
    .flatMap((name) => {
      if (!Object.hasOwn(LICENSES, name))
        throw new Error(`parts-of-node.ts does not know the licence of Node's ${name}`);
      const [license, version = ""] = [LICENSES[name], versions[name]];
      return license === undefined || version === "" ? [] : [{ name, version, license }];
    });
}
