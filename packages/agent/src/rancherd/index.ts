/** rancherd, the other program on a node: what it is configured by, and where each of its settings comes from. */
export { collectConfig, mergeRemote, textAt } from "./collect-config.ts";
export type { CollectedConfig, ConfigFiles } from "./collect-config.ts";
export { configFiles } from "./config-files.ts";
export { CONFIG_PLACE, IMPLICIT_PLACES, MANIFEST_FOLDERS } from "./config-places.ts";
export { hasUnspelled, spellCharacters } from "./control-characters.ts";
export { RANCHERD_ERRORS, RancherdError } from "./errors.ts";
export type { RancherdErrorCode } from "./errors.ts";
export { hideSecrets } from "./hide-secrets.ts";
export { joinConfig } from "./join-config.ts";
export { judgeConfig } from "./judge-config.ts";
export type { ConfigRemark } from "./judge-config.ts";
export { leavesOf, plainValue } from "./origin-tree.ts";
export type { Leaf, OriginMap, OriginNode } from "./origin-tree.ts";
export { writeRancherdConfig } from "./write-config.ts";
export type { RancherdWritten } from "./write-config.ts";
