/** Cloud-configs as files for the operating system's own tool, which applies them at the next start. */
import { createHash } from "node:crypto";
import { stringify } from "yaml";

import type { NewFile } from "../../files/index.ts";

export interface GivenText {
  /** Where it comes from. */
  readonly path: string;
  readonly text: string;
}

const OWNER_ONLY = { mode: 0o600, uid: 0, gid: 0 };
const SEED = "/var/lib/cloud/seed/nocloud";

/** What lies in /oem is read by yip anyway. */
export function filesForYip(given: readonly GivenText[]): readonly NewFile[] {
  return given
    .filter(({ path }) => !path.startsWith("/oem/"))
    .map(({ text }, index) => {
      const path = index === 0 ? "/oem/95_ros-agent.yaml" : `/oem/95_ros-agent_${index}.yaml`;
      return { path, content: withHeader(text), ...OWNER_ONLY };
    });
}

/** A new instance-id has cloud-init apply what it applies once. Source: cloud-init, NoCloud; cloud config archive */
export function filesForCloudInit(given: readonly GivenText[]): readonly NewFile[] {
  const [first, ...others] = given;
  if (first === undefined) return [];
  const userData =
    others.length === 0
      ? withHeader(first.text)
      : `#cloud-config-archive\n${stringify(given.map(({ text }) => ({ type: "text/cloud-config", content: withHeader(text) })))}`;
  const digest = createHash("sha256").update(userData).digest("hex").slice(0, 16);
  return [
    { path: `${SEED}/user-data`, content: userData, ...OWNER_ONLY },
    { path: `${SEED}/meta-data`, content: `instance-id: ros-agent-${digest}\n`, ...OWNER_ONLY },
  ];
}

function withHeader(text: string): string {
  return /^#cloud-config\s*(\r?\n|$)/.test(text) ? text : `#cloud-config\n${text}`;
}
