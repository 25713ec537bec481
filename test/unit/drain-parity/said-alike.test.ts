/** What counts as the same words of two runs of kubectl. */
import { describe, expect, it } from "vitest";
import { isOrdered, saidLines, saidOnce } from "../../drain-parity/said-alike.ts";

const STDOUT =
  "node/n cordoned (server dry run)\nevicting pod p/a (server dry run)\nevicting pod p/b (server dry run)\n";
const STDERR = "Warning: deleting Pods that declare no controller: p/a; ignoring DaemonSet-managed Pods: p/d\n";

function reversed(text: string): string {
  return `${text.trimEnd().split("\n").reverse().join("\n")}\n`;
}

describe("two runs say the same", () => {
  it("in whatever order answers and warnings come", () => {
    const warnings = "Warning: ignoring DaemonSet-managed Pods: p/d; deleting Pods that declare no controller: p/a\n";
    const other = { stdout: reversed(STDOUT), stderr: warnings };
    expect(saidLines(other)).toEqual(saidLines({ stdout: STDOUT, stderr: STDERR }));
  });

  it("in whatever order the errors of one node come", () => {
    const error = (errors: string): string => `error: unable to drain node "n" due to error: [${errors}], continuing\n`;
    const one = error("cannot delete x: p/a, p/b, cannot delete y: p/c");
    const other = error("cannot delete y: p/c, cannot delete x: p/a, p/b");
    expect(saidLines({ stdout: "", stderr: one })).toEqual(saidLines({ stdout: "", stderr: other }));
  });

  it.each([
    ["a pod is missing", STDOUT.replace("evicting pod p/b (server dry run)\n", ""), STDERR],
    ["a line comes twice", `${STDOUT}evicting pod p/b (server dry run)\n`, STDERR],
    ["a word is another one", STDOUT.replace("cordoned", "already cordoned"), STDERR],
    ["a warning is missing", STDOUT, STDERR.replace("; ignoring DaemonSet-managed Pods: p/d", "")],
    ["a line is on the other stream", STDOUT + STDERR, ""],
  ])("but not where %s", (_what, stdout, stderr) => {
    expect(saidLines({ stdout, stderr })).not.toEqual(saidLines({ stdout: STDOUT, stderr: STDERR }));
  });

  it("how often does not count for what goes on for ever", () => {
    const again = `${STDOUT}evicting pod p/b (server dry run)\n`;
    expect(saidOnce({ stdout: again, stderr: STDERR })).toEqual(saidOnce({ stdout: STDOUT, stderr: STDERR }));
  });
});

describe("nothing is left to chance", () => {
  it("where one pod is asked for and no list has an order", () => {
    const one = STDOUT.replace("evicting pod p/b (server dry run)\n", "");
    expect(isOrdered({ stdout: one, stderr: "" })).toBe(true);
    expect(isOrdered({ stdout: STDOUT, stderr: "" })).toBe(false);
    expect(isOrdered({ stdout: one, stderr: STDERR })).toBe(false);
  });
});
