/** Commands, flags, arguments and exit codes are a contract with scripts: a change must be seen and meant. */
import { describe, expect, it } from "vitest";

import { COMMANDS } from "../../src/command-table.ts";
import { EXIT_CODES } from "../../src/exit-codes.ts";
import { SUMMARIES } from "../../src/summaries.ts";

/** Flags and arguments as oclif describes them: as many of their fields as people and scripts see. */
interface Described {
  readonly char?: unknown;
  readonly type?: unknown;
  readonly required?: unknown;
  readonly exclusive?: unknown;
  readonly default?: unknown;
  readonly helpValue?: unknown;
  readonly description?: unknown;
}

/** One line: `--output FILE (-o) not with check`. */
function lines(prefix: string, items: Readonly<Record<string, Described>>): readonly string[] {
  return Object.entries(items).map(([name, { char, type, required, exclusive, default: fallback, helpValue }]) =>
    [
      `  ${prefix}${name}`,
      type === "option" && typeof helpValue === "string" ? helpValue : "",
      typeof char === "string" ? `(-${char})` : "",
      required === true ? "required" : "",
      typeof fallback === "string" ? `default ${fallback}` : "",
      Array.isArray(exclusive) ? `not with ${exclusive.join(", ")}` : "",
    ]
      .filter((word) => word !== "")
      .join(" "),
  );
}

describe("the command line", () => {
  it("is the one that was agreed on", async () => {
    const commands = await Promise.all(
      Object.entries(COMMANDS).map(async ([name, load]) => {
        const { args, flags, baseFlags, aliases } = await load();
        return [[name, ...aliases].join(" "), ...lines("", args), ...lines("--", { ...flags, ...baseFlags })];
      }),
    );
    const exitCodes = Object.entries(EXIT_CODES).map(([failure, { code }]) => `  ${code} ${failure}`);
    const text = `${[...commands.flat(), "exit codes", ...exitCodes].join("\n")}\n`;
    await expect(text).toMatchFileSnapshot("command-surface.txt");
  });

  it.each(Object.entries(COMMANDS))(
    "%s has a sentence, an example, and a description of each flag",
    async (name, load) => {
      const { id, summary, examples, args, flags, baseFlags } = await load();
      expect(id).toBe(name);
      expect(summary).toBe(SUMMARIES[name as keyof typeof SUMMARIES]);
      expect(examples?.length).toBeGreaterThan(0);
      const described: Described[] = Object.values({ ...args, ...flags, ...baseFlags });
      for (const { description } of described) expect(description).toMatch(/\.$/);
    },
  );
});
