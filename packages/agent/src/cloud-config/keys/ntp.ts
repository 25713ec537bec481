/** `ntp`: a map as cloud-init has it, or just the servers. */
import type { NtpSetting } from "../cloud-config.ts";
import { flag, listOf, readMap, textLike, type Reader } from "../judge.ts";

const server = textLike(/^[A-Za-z0-9][A-Za-z0-9.:%_-]{0,252}$/, "the name or address of a time server");

export const ntp: Reader<NtpSetting> = (judge, node, path) => {
  if (node.kind === "list") {
    return { isEnabled: true, servers: listOf(server)(judge, node, path) ?? [], pools: [] };
  }
  let isEnabled = true;
  let servers: readonly string[] = [];
  let pools: readonly string[] = [];
  const isMap = readMap(judge, node, path, {
    enabled: (value, inner) => void (isEnabled = flag(judge, value, inner) ?? isEnabled),
    servers: (value, inner) => void (servers = listOf(server)(judge, value, inner) ?? []),
    pools: (value, inner) => void (pools = listOf(server)(judge, value, inner) ?? []),
  });
  return isMap === undefined ? undefined : { isEnabled, servers, pools };
};
