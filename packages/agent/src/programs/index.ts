/** Other programs that domains run: started, bounded and ended in one way. What their ending means is the domain's business. */
export { breakable, type BreakOffTimes } from "./breakable.ts";
export { endWithin, type EndWithin } from "./end-within.ts";
export { startProgram } from "./io/start-program.ts";
export type { ProgramCall, ProgramEnding, RunningProgram } from "./io/start-program.ts";
export { ownProcess } from "./own-process.ts";
