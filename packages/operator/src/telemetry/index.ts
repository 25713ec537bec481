/** What the operator says about itself. */
export { errorFields, hintOf } from "./error-fields.ts";
export { createLog } from "./io/log.ts";
export type { Log, LogFields } from "./io/log.ts";
