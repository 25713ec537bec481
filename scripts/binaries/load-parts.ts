/**
 * Where a single executable begins: runs the program's first part, and loads each other part when one requires it.
 *
 * Node's own loader reads files, and the parts lie in the executable.
 */
import { getAsset } from "node:sea";

import { partLoader } from "./part-loader.ts";

/** As bundle-program.ts names it. */
const FIRST = "./main.js";

const load = partLoader({
  textOf: (file) => getAsset(file, "utf8"),
  requireOther: (name): unknown => require(name),
  place: [__filename, __dirname],
});
load(FIRST);
