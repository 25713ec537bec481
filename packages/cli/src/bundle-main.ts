/** Where the bundle of scripts/bundle-agent begins; scripts/ros-agent, which runs it, has set up its compile cache. */
import { start } from "./start.ts";

void start(process.argv.slice(2));
