/** The process that collector.ts starts: prints what the system tells as one JSON document, and ends. */
import { collectHardware } from "./systeminformation.ts";

process.stdout.write(JSON.stringify(await collectHardware()));
