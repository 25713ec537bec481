/** Where the program in the bundle of scripts/build-agent begins; bundle-main.ts loads it. */
import { start } from "./start.ts";

void start(process.argv.slice(2));
