/** The bundled program as a script that V8 has compiled before. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Script, constants } from "node:vm";

/** In the bundle's folder: the program, and what V8 compiled of it when the bundle was made. */
export const PROGRAM_FILE = "program.cjs";
export const CODE_CACHE_FILE = "program.cache";

/**
 * Not Node's own compile cache: that keeps what is compiled at once, and not the functions that are compiled at their
 * first call, most of a command; and each user would write to it.
 *
 * @param folder  of the bundle. Where the code cache is missing or of another V8, V8 compiles as usual.
 */
export function loadProgramScript(folder: string): Script {
  const filename = join(folder, PROGRAM_FILE);
  // The bundler writes ASCII only, and this is the fastest way to read that.
  const program = readFileSync(filename, "latin1");
  const cachedData = readIfThere(join(folder, CODE_CACHE_FILE));
  return new Script(`(function (require, __filename, __dirname) {${program}\n})`, {
    filename,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
}

export function runProgramScript(script: Script, folder: string): void {
  const program: unknown = script.runInThisContext();
  if (typeof program !== "function") throw new TypeError("the bundled program is no function");
  const filename = join(folder, PROGRAM_FILE);
  Reflect.apply(program, undefined, [createRequire(filename), filename, folder]);
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
