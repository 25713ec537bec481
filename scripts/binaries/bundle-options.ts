/** How esbuild makes one file of a program. */
import type { BuildOptions } from "esbuild";
import { oclifOnDemand } from "./oclif-on-demand.ts";

/**
 * CommonJS, as ES modules and their view of Node's own modules cost 10 ms more, and as Node's single executables want it.
 * A command that is imported late is run late all the same, from the same file.
 */
export const BUNDLE_OPTIONS = {
  bundle: true,
  platform: "node",
  target: "node26",
  format: "cjs",
  define: { "import.meta.dirname": "__dirname", "import.meta.filename": "__filename" },
  // Blanks and comments go, because the text stays in memory; names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  // What of tsconfig.base.json changes a program's text; said here, so that a file that is missing or lies above changes nothing.
  tsconfigRaw: { compilerOptions: { strict: true, verbatimModuleSyntax: true } },
  legalComments: "none",
  logLevel: "warning",
  plugins: [oclifOnDemand],
} as const satisfies BuildOptions;
