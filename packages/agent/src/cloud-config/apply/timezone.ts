/** `timezone`: /etc/localtime is a link. Source: localtime(5); Debian has the name in /etc/timezone as well */
import type { RootFiles } from "../../files/index.ts";
import type { Change } from "./change.ts";

export interface TimezonePlan {
  readonly change: Change | undefined;
  readonly problem: string | undefined;
  readonly apply: () => Promise<void>;
}

export const LOCALTIME_PLACE = "/etc/localtime";
export const TIMEZONE_PLACE = "/etc/timezone";

export async function hasZone(files: Pick<RootFiles, "kind">, timezone: string): Promise<boolean> {
  const kind = await files.kind(`/usr/share/zoneinfo/${timezone}`);
  return kind === "file" || kind === "link";
}

export async function applyTimezone(
  files: Pick<RootFiles, "kind" | "read" | "readLink" | "replace" | "replaceLink">,
  timezone: string,
): Promise<TimezonePlan> {
  const nothing = { change: undefined, problem: undefined, apply: () => Promise.resolve() };
  if (!(await hasZone(files, timezone))) {
    return {
      ...nothing,
      problem: `there is no time zone ${timezone} in /usr/share/zoneinfo: is the package tzdata there?`,
    };
  }
  const target = `../usr/share/zoneinfo/${timezone}`;
  const before = await files.readLink(LOCALTIME_PLACE);
  const name = await files.read(TIMEZONE_PLACE);
  const isNamed = name === undefined || name.content.toString("utf8") === `${timezone}\n`;
  if (before === target && isNamed) return nothing;
  return {
    ...nothing,
    change: {
      subject: LOCALTIME_PLACE,
      before: before === undefined ? undefined : `-> ${before}\n`,
      after: `-> ${target}\n`,
      isSecret: false,
    },
    async apply() {
      await files.replaceLink(LOCALTIME_PLACE, target);
      if (!isNamed)
        await files.replace({ path: TIMEZONE_PLACE, content: `${timezone}\n`, mode: 0o644, uid: 0, gid: 0 });
    },
  };
}
