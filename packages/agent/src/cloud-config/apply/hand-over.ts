/** Cloud-configs as files for yip, which applies them at the next start. */
import type { NewFile } from "../../files/index.ts";

export interface GivenText {
  /** Where it comes from. */
  readonly path: string;
  readonly text: string;
}

const OWNER_ONLY = { mode: 0o600, uid: 0, gid: 0 };

/** yip goes by the names, as bytes: after 99_custom.yaml, which is of the installation and thus older than what is handed over. */
const NAME = "99_ros-agent";
/** So that the tenth of further ones does not come before the second. */
const DIGITS = 3;
/** Those of earlier agents, which 99_custom.yaml had the last word over, among them. */
const OWN_NAMES = /^(?:95_ros-agent(?:_[1-9]\d*)?|99_ros-agent_\d{3,})\.yaml$/;

/** What lies in /oem is read by yip anyway. */
const inOem = (path: string): boolean => path.startsWith("/oem/");

export function filesForYip(given: readonly GivenText[]): readonly NewFile[] {
  return given
    .filter(({ path }) => !inOem(path))
    .map(({ text }, index) => {
      const name = index === 0 ? NAME : `${NAME}_${String(index).padStart(DIGITS, "0")}`;
      return { path: `/oem/${name}.yaml`, content: withHeader(text), ...OWNER_ONLY };
    });
}

/** @returns what an earlier run with more files, or with other names, has left in /oem, for yip to apply again and again: the newest says all */
export function leftForYip(names: readonly string[], wanted: readonly NewFile[]): readonly string[] {
  const kept = new Set(wanted.map(({ path }) => path));
  // Of files that lie in /oem anyway nothing follows about those that came from elsewhere.
  if (kept.size === 0) return [];
  return names
    .filter((name) => OWN_NAMES.test(name))
    .map((name) => `/oem/${name}`)
    .filter((path) => !kept.has(path));
}

/** @returns whether what an earlier run has left in /oem is to stay: some of it may come from what cannot be read now */
export function keepsHandedOver(names: readonly string[], unread: readonly string[]): boolean {
  return unread.some((path) => !inOem(path)) && names.some((name) => OWN_NAMES.test(name));
}

/** As cloud-init and yip know it: without the mark that editors put before UTF-8, which they know at the beginning only. */
export function withHeader(marked: string): string {
  const text = marked.replace(/^\uFEFF/, "");
  return /^#cloud-config\s*(\r?\n|$)/.test(text) ? text : `#cloud-config\n${text}`;
}
