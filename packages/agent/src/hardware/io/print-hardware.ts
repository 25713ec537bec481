/** The process that collector.ts starts: prints what the system tells as one JSON document, and ends. */
import { collectHardware } from "./systeminformation.ts";

// Without await at the top, which the bundle's CommonJS does not have. What goes wrong ends the process with its stack.
void collectHardware().then((hardware) => process.stdout.write(JSON.stringify(hardware)));
