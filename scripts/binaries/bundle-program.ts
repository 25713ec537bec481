/** One file of JavaScript with all that a program needs beside Node, and what went into it. */
import { build } from "esbuild";
import { BUNDLE_OPTIONS } from "./bundle-options.ts";
import type { BinaryProgram } from "./programs.ts";

export interface Bundle {
  readonly text: Uint8Array;
  /** Files of which at least one byte is in the text, relative to the checkout: node_modules/ws/lib/sender.js. */
  readonly files: readonly string[];
}

/** @throws Error  where esbuild fails or warns, after it has said why */
export async function bundleProgram(root: string, program: BinaryProgram, commit: string): Promise<Bundle> {
  const { outputFiles, metafile, warnings } = await build({
    ...BUNDLE_OPTIONS,
    absWorkingDir: root,
    define: { ...BUNDLE_OPTIONS.define, BUILD_COMMIT: JSON.stringify(commit) },
    // Inside a single executable nothing can be imported late but what Node has; require is as good, and works there always.
    supported: { "dynamic-import": false },
    entryPoints: [program.entry],
    outfile: `${program.name}.cjs`,
    write: false,
    metafile: true,
  });
  const [file] = outputFiles;
  const [output] = Object.values(metafile.outputs);
  if (file === undefined || output === undefined || warnings.length > 0) {
    throw new Error(`${program.name} cannot be bundled without warnings`);
  }
  const files = Object.entries(output.inputs).flatMap(([name, { bytesInOutput }]) => (bytesInOutput > 0 ? [name] : []));
  return { text: file.contents, files: files.sort() };
}
