/** A registry that is away for a minute of a pull: the status says so meanwhile, and not for longer. */
import { expect, it } from "vitest";

import { statusOf } from "../../../src/upgrade/status.ts";
import { ended } from "./ended-upgrade.ts";
import { createLife, live } from "./machine-life.ts";
import { createWorld, orderOf } from "./machine-world.ts";

it("is the reason from the first attempt on, and no longer once the image comes", async () => {
  const life = createLife(createWorld({ pull: "away-for-a-minute" }));
  const seen: string[] = [];
  life.onPoint = (point) => {
    const { upgrades } = life;
    if (point !== "journal:after" || upgrades?.journal().run?.phase !== "Staging") return undefined;
    const { reason, message } = statusOf(upgrades.journal(), "boot-1");
    const line = `${reason ?? "-"}: ${message ?? "-"}`;
    if (seen.at(-1) !== line) seen.push(line);
    return undefined;
  };
  await live(life, orderOf({ prepare: undefined }));
  expect(seen.slice(seen.indexOf("-: pulling the image"), seen.indexOf("-: pulling the image") + 3)).toEqual([
    "-: pulling the image",
    "IMAGE_REGISTRY_UNREACHABLE: the registry is away",
    "-: pulling the image",
  ]);
  expect(ended(life.world).phase).toBe("Succeeded");
});
