/** Where the bundle of scripts/build-agent begins. */
import { enableCompileCache } from "node:module";
import { join } from "node:path";

// Beside the bundle, for the reason that main.ts gives: who may write there may write the program itself.
enableCompileCache(join(import.meta.dirname, "compile-cache"));

// Imported late, for otherwise it would be compiled before the cache is there.
const { start } = await import("./start.ts");
await start(process.argv.slice(2));
