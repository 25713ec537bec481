/** The JavaScript of a program with all that it needs beside Node, and what went into it. */
import path from "node:path";
import { build, transform } from "esbuild";
import { BUNDLE_OPTIONS } from "./bundle-options.ts";
import type { BinaryProgram } from "./programs.ts";

export interface Bundle {
  /** Where it begins; it loads the parts. */
  readonly main: string;
  /** By name, sorted. Each is the body of a CommonJS module that requires others as `./NAME`. */
  readonly parts: ReadonlyMap<string, string>;
  /** Files of which at least one byte is in the parts, relative to the checkout: node_modules/ws/lib/sender.js. */
  readonly files: readonly string[];
}

const LOADER = "scripts/binaries/load-parts.ts";
/** For all but its name, which says nothing, as nothing is written. */
const FOLDER = "/parts";
/** As what load-parts.ts begins with. */
const FIRST = "main";

/**
 * In parts, each loaded when it is first asked for: V8 looks through the whole text of what it loads, which took half of
 * the time that a short command takes.
 * @throws Error  where esbuild fails or warns, after it has said why
 */
export async function bundleProgram(root: string, program: BinaryProgram, commit: string): Promise<Bundle> {
  const { outputFiles, metafile, warnings } = await build({
    ...BUNDLE_OPTIONS,
    // The only format that it splits; each part is made a CommonJS module after that.
    format: "esm",
    splitting: true,
    absWorkingDir: root,
    define: { ...BUNDLE_OPTIONS.define, BUILD_COMMIT: JSON.stringify(commit) },
    entryPoints: { [FIRST]: program.entry },
    outdir: FOLDER,
    chunkNames: "[name]-[hash]",
    write: false,
    metafile: true,
  });
  if (warnings.length > 0) throw new Error(`${program.name} cannot be bundled without warnings`);
  const parts = await Promise.all(
    outputFiles.map(async ({ path: file, text }) => [path.relative(FOLDER, file), await commonJs(text)] as const),
  );
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const files = new Set(inputs.flatMap(([name, { bytesInOutput }]) => (bytesInOutput > 0 ? [name] : [])));
  const loader = await build({
    ...BUNDLE_OPTIONS,
    absWorkingDir: root,
    entryPoints: [LOADER],
    write: false,
  });
  const [main] = loader.outputFiles;
  if (main === undefined) throw new Error(`${LOADER} cannot be bundled`);
  return { main: main.text, parts: new Map(parts.toSorted(byName)), files: [...files].sort() };
}

/** Inside a single executable nothing can be imported but what Node has; require is as good, and works there always. */
async function commonJs(text: string): Promise<string> {
  const { platform, target, minifyWhitespace, minifySyntax } = BUNDLE_OPTIONS;
  const { code, warnings } = await transform(text, {
    format: "cjs",
    platform,
    target,
    minifyWhitespace,
    minifySyntax,
    supported: { "dynamic-import": false },
  });
  const [warning] = warnings;
  if (warning !== undefined) throw new Error(`a part cannot be made a CommonJS module: ${warning.text}`);
  return code;
}

function byName([one]: readonly [string, string], [other]: readonly [string, string]): number {
  return one < other ? -1 : 1;
}
