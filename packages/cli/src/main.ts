/** Where `node packages/cli/src/main.ts ARGS` begins. */
import { enableCompileCache } from "node:module";
import { join } from "node:path";

// What V8 compiled, and the types that Node stripped, are kept beside the dependencies, in the checkout: who may write
// there may write the program itself. (Node's own choice, a folder in /tmp, could be prepared by any user for root.)
enableCompileCache(join(import.meta.dirname, "../../../node_modules/.cache/ros-agent"));

// Imported late, for otherwise it would be compiled before the cache is there.
const { start } = await import("./start.ts");
await start(process.argv.slice(2));
