/** Loads the parts of a program as Node loads CommonJS modules, from wherever their texts are. */
import { compileFunction } from "node:vm";

const PARAMETERS = ["exports", "require", "module", "__filename", "__dirname"];

interface Part {
  exports: unknown;
}

export interface PartSource {
  /** @param file  a part's name, without what stands before it where it is required */
  readonly textOf: (file: string) => string;
  /** For what is no part. */
  readonly requireOther: (name: string) => unknown;
  /** What parts see as __filename and __dirname. */
  readonly place: readonly [filename: string, dirname: string];
}

/** @returns loads a part by its name, `./NAME`; each is run once, and anew where it has thrown */
export function partLoader({ textOf, requireOther, place }: PartSource): (name: string) => unknown {
  const parts = new Map<string, Part>();

  function load(name: string): unknown {
    if (!name.startsWith("./")) return requireOther(name);
    const known = parts.get(name);
    // Also one that is being loaded: two parts may require each other.
    if (known !== undefined) return known.exports;
    const before = parts.size;
    const part: Part = { exports: {} };
    parts.set(name, part);
    try {
      const file = name.slice("./".length);
      const run: unknown = compileFunction(textOf(file), PARAMETERS, { filename: file });
      if (typeof run !== "function") throw new Error(`${file} is no function`);
      Reflect.apply(run, undefined, [part.exports, load, part, ...place]);
    } catch (error) {
      // With those that it has loaded: they may have half of it in their hands.
      for (const half of [...parts.keys()].slice(before)) parts.delete(half);
      throw error;
    }
    return part.exports;
  }

  return load;
}
