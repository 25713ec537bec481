/** The manual page: its words and its escapes. What troff makes of it, the integration test looks at. */
import { describe, expect, it } from "vitest";

import { manPage } from "../../src/man-page.ts";

describe("the manual page", () => {
  it("keeps dashes, backslashes and dots at the beginning of a line", () => {
    const page = manPage({
      name: "ros-agent",
      version: "1.2.3",
      description: "Does it.",
      commands: [
        {
          name: "version",
          summary: ".hidden files are told",
          description: "One line\n'quoted' at a beginning, and a \\ within",
          examples: ["ros-agent version --json"],
          args: [{ name: "url", description: "Where.", required: false, options: [] }],
          flags: [
            {
              name: "ek",
              char: "e",
              description: "Which.",
              required: true,
              value: { name: "KIND", options: ["a-b", "c"] },
              fallback: "c",
            },
          ],
        },
      ],
      exitCodes: [{ code: 0, meaning: "done" }],
    });
    expect(page).toContain("\n\\&.hidden files are told\n");
    expect(page).toContain("\n\\&'quoted' at a beginning, and a \\e within\n");
    expect(page).toContain("\n.SS ros\\-agent version [URL] [FLAGS]\n");
    expect(page).toContain("\n\\fB\\-e\\fR, \\fB\\-\\-ek\\fR \\fIa\\-b|c\\fR\nWhich. Required. Default: c.\n");
    expect(page).toContain("\nros\\-agent version \\-\\-json\n");
    expect(page).toMatch(/^\.TH ROS-AGENT 1 "" "ros-agent 1\.2\.3" "RancherOS"\n/);
  });
});
