import { expect, it } from "vitest";
import { heldBack, type DefaultRegistry } from "../../../src/rollout/held-back.ts";

function scene() {
  const told: string[] = [];
  const setting: { isKnown: boolean; name: ReturnType<DefaultRegistry["name"]> } = { isKnown: false, name: undefined };
  const held = heldBack({ isKnown: () => setting.isKnown, name: () => setting.name }, () => told.push("other"));
  const tell = (key: string, word: string): void => held.whenKnown(key, () => told.push(word));
  return { told, setting, held, tell };
}

it("nothing is told of images before their registry is known, and then the last word of each", () => {
  const { told, setting, held, tell } = scene();
  tell("a", "a1");
  tell("", "all");
  tell("b", "b1");
  tell("a", "a2");
  held.look();
  expect(told).toEqual([]);
  setting.isKnown = true;
  setting.name = "registry.example.com";
  held.look();
  expect(told).toEqual(["a2", "b1", "all"]);
});

it("afterwards all is told at once, and another registry once", () => {
  const { told, setting, held, tell } = scene();
  setting.isKnown = true;
  held.look();
  tell("a", "a1");
  held.look();
  setting.name = "registry.example.com";
  held.look();
  held.look();
  setting.name = { problem: "no registry" };
  held.look();
  setting.name = { problem: "no registry" };
  held.look();
  setting.name = undefined;
  held.look();
  expect(told).toEqual(["a1", "other", "other", "other"]);
});
