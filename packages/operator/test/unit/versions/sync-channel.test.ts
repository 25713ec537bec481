/** One reading of a channel of tags: what becomes of the versions that are there. */
import type { ManagedOSVersionChannel } from "@rancheros/protocol/resources";
import { expect, it } from "vitest";
import { RegistryError } from "../../../src/registry/index.ts";
import type { TagList } from "../../../src/registry/index.ts";
import { compileChannel } from "../../../src/versions/channel-source.ts";
import type { Wanted } from "../../../src/versions/channel-list.ts";
import type { StoredVersion } from "../../../src/versions/plan-sync.ts";
import { syncChannel, type ChannelWorld, type Synced } from "../../../src/versions/sync-channel.ts";
import { channelOf } from "./channel-of.ts";

const notUsed = (): Promise<never> => Promise.reject(new Error("not used"));

/** The versions of a channel of tags, as an API server has them. */
function scene(deletes: boolean) {
  const stored = new Map<string, StoredVersion>();
  const marked: string[] = [];
  let list: TagList = { tags: [], unheard: undefined };
  const channel: ManagedOSVersionChannel = channelOf({
    type: "oci",
    options: { repository: "r.example.com/os" },
    deleteNoLongerInSyncVersions: deletes,
  });
  function put({ name, spec }: Wanted): void {
    stored.set(name, { name, spec, beingDeleted: false, annotations: {} });
  }
  const world: ChannelWorld<StoredVersion> = {
    readList: notUsed,
    listTags: () => Promise.resolve(list),
    runPod: notUsed,
    readSecret: notUsed,
    storedVersions: () => Promise.resolve([...stored.values()]),
    versionsInUse: () => Promise.resolve(new Set()),
    writes: () => ({
      create: async (wanted) => put(wanted),
      read: notUsed,
      replace: async (_, wanted) => put(wanted),
      mark: async ({ name }) => void marked.push(name),
      remove: async ({ name }) => void stored.delete(name),
    }),
  };
  return {
    marked,
    names: () => [...stored.keys()].toSorted(),
    sync: (next: TagList): Promise<Synced> => {
      list = next;
      const { source, ...others } = compileChannel(channel);
      if (source === undefined) throw new Error(others.problems.join("; "));
      return syncChannel(channel, { ...others, source }, world, undefined, new AbortController().signal);
    },
  };
}

const unheard = new RegistryError("REGISTRY_UNREACHABLE", "r.example.com: nothing listens there");

it.each([true, false])(
  "a mirror's list takes no version away, whether they are deleted or not: %s",
  async (deletes) => {
    const { marked, names, sync } = scene(deletes);
    await sync({ tags: ["v1.0.0", "v1.1.0"], unheard: undefined });
    expect(names()).toEqual(["stable-v1.0.0", "stable-v1.1.0"]);
    const partly = await sync({ tags: ["v1.0.0", "v1.2.0"], unheard });
    expect(names()).toEqual(["stable-v1.0.0", "stable-v1.1.0", "stable-v1.2.0"]);
    expect([marked, partly.changes.removed, partly.outOfSync]).toEqual([[], 0, 0]);
    expect(partly.whyPart).toContain("r.example.com: nothing listens there");
    const whole = await sync({ tags: ["v1.0.0"], unheard: undefined });
    expect(whole.whyPart).toBeUndefined();
    expect([names().length, marked.length]).toEqual(deletes ? [1, 0] : [3, 2]);
  },
);

it("says how many tags there are where none of them is a version that is wanted", async () => {
  const { sync } = scene(false);
  await expect(sync({ tags: ["latest", "v1.0.0-rc.1"], unheard: undefined })).rejects.toMatchObject({
    code: "CHANNEL_EMPTY",
    message: "no version can be taken: none of its 2 tags is a version that is wanted",
  });
});
