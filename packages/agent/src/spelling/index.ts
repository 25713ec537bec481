/** Words that people mistype: which of the known ones may have been meant. */
export { closest } from "./closest.ts";
