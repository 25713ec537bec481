/**
 * Where a single executable begins: runs the program's first part, and loads each other part when one requires it.
 *
 * Node's own loader reads files, and the parts lie in the executable.
 */
import { getAsset } from "node:sea";
import { compileFunction } from "node:vm";

/** As bundle-program.ts names it. */
const FIRST = "./main.js";
const PARAMETERS = ["exports", "require", "module", "__filename", "__dirname"];

interface Part {
  exports: unknown;
}

const parts = new Map<string, Part>();

function load(name: string): unknown {
  if (!name.startsWith("./")) return require(name);
  const known = parts.get(name);
  // Also one that is being loaded: two parts may require each other.
  if (known !== undefined) return known.exports;
  const part: Part = { exports: {} };
  parts.set(name, part);
  const file = name.slice("./".length);
  const run: unknown = compileFunction(getAsset(file, "utf8"), PARAMETERS, { filename: file });
  if (typeof run !== "function") throw new Error(`${file} is no function`);
  Reflect.apply(run, undefined, [part.exports, load, part, __filename, __dirname]);
  return part.exports;
}

load(FIRST);
