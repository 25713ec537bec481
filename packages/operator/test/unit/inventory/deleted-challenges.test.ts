import { describe, expect, it } from "vitest";
import { DeletedChallenges } from "../../../src/inventory/deleted-challenges.ts";

describe("DeletedChallenges", () => {
  it("remembers a deleted machine's last challenge for as long as it could be answered once more", () => {
    const deleted = new DeletedChallenges();
    deleted.note("a", "1.x", 0);
    deleted.note("a", "2.x", 1_000);
    expect(deleted.last("a", 121_000)).toBe("2.x");
    expect(deleted.last("b", 1_000)).toBeUndefined();
    expect(deleted.last("a", 121_001)).toBeUndefined();
  });

  it("forgets what is over, and the oldest where there are too many", () => {
    const deleted = new DeletedChallenges();
    for (let at = 0; at < 100_010; at += 1) deleted.note(`m${at}`, "1.x", 0);
    expect(deleted.size).toBe(100_000);
    expect(deleted.last("m0", 0)).toBeUndefined();
    expect(deleted.last("m100009", 0)).toBe("1.x");
    deleted.note("late", "1.x", 500_000);
    expect(deleted.size).toBe(1);
  });
});
