import { describe, expect, it } from "vitest";

import { codedError, describeError, errorJson } from "../../src/describe-error.ts";
import { CliError } from "../../src/errors.ts";

const TOKEN = "5c297kgwjrs55qwml529phv4fjv2lx66b7mwtlxs9k4k768dkfhpnc";

describe("errors", () => {
  const error = new CliError("CLI_USAGE", "something is wrong", { mend: "Do it right.", details: { line: 1 } });

  it("are two lines for people: what, and what to do", () => {
    expect(describeError(error, { withStack: false })).toBe("Error: something is wrong (CLI_USAGE)\nDo it right.\n");
  });

  it("show where they come from only when that is asked for", () => {
    const text = describeError(new CliError("CLI_DEFECT", "x", { cause: new Error("the cause") }), { withStack: true });
    expect(text).toContain("the cause");
    expect(text).toContain("describe-error.test.ts");
  });

  it("are one object for programs", () => {
    expect(errorJson(error)).toEqual({
      error: {
        code: "CLI_USAGE",
        message: "something is wrong",
        mend: "Do it right.",
        retry: "never",
        details: { line: 1 },
      },
    });
  });

  it("show no token on either way, the stack included", () => {
    const leaky = new CliError("CLI_DEFECT", `at /registration/${TOKEN}`, {
      cause: new Error(`/registration/${TOKEN}`),
    });
    expect(describeError(leaky, { withStack: true })).not.toContain(TOKEN);
    expect(JSON.stringify(errorJson(leaky))).not.toContain(TOKEN);
  });

  it("that nobody expected are defects, with what was thrown as their cause", () => {
    const thrown = new TypeError("x is not a function");
    expect(codedError(thrown)).toMatchObject({ code: "CLI_DEFECT", failure: "internal", cause: thrown });
    expect(codedError("text")).toMatchObject({ code: "CLI_DEFECT", message: "unexpected: text" });
    expect(codedError(error)).toBe(error);
  });
});
