import { describe, expect, it } from "vitest";

import { kernelWords, startedSlot } from "../../../src/slots/kernel-words.ts";

describe("the kernel's command line", () => {
  it.each([
    [
      "BOOT_IMAGE=(hd0,gpt4)/boot/vmlinuz root=LABEL=ROS_SLOT_A ro rancheros.slot=a panic=10",
      { slot: "a", isTrial: false },
    ],
    ["rancheros.slot=b rancheros.trial=1\n", { slot: "b", isTrial: true }],
    ["rancheros.slot=a rancheros.slot=b", { slot: "b", isTrial: false }],
    ["boot=live rancheros.install.automatic=true", undefined],
    ["rancheros.slot=c", undefined],
    ["rancheros.slot", undefined],
    ["", undefined],
  ])("tells of the slot: %s", (line, expected) => {
    expect(startedSlot(line)).toEqual(expected);
  });

  it("holds quoted words together", () => {
    expect(kernelWords('a="b c" "d=e f" g')).toEqual([
      ["a", "b c"],
      ["d", "e f"],
      ["g", undefined],
    ]);
  });
});
