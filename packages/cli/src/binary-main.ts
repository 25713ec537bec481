/** Where the single executable begins, also in the processes that it starts of itself. */
import { ownJob } from "@rancheros/agent/own-jobs";

import { start } from "./start.ts";

const args = process.argv.slice(2);
void (ownJob(args) ?? start(args));
