/** A request without an answer: whose trouble it is. */
import { expect, it } from "vitest";
import { lostRequest } from "../../../src/controller/lost-request.ts";

const failed = (code: string) => Object.assign(new Error(`connect ${code} 10.0.0.1:6443`), { code });

it.each([
  ["ECONNREFUSED", "KUBERNETES_UNREACHABLE", "cannot reach the API server: connect ECONNREFUSED 10.0.0.1:6443"],
  ["EMFILE", "KUBERNETES_NO_FILE_LEFT", "no file is left for a connection to the API server: EMFILE"],
  ["ENFILE", "KUBERNETES_NO_FILE_LEFT", "no file is left for a connection to the API server: ENFILE"],
])("%s is %s", (systemCode, code, message) => {
  const cause = failed(systemCode);
  expect(lostRequest("/api", cause)).toMatchObject({ code, message, cause });
});

it("who gave up is told of the time, and blames no network", () => {
  const cause = new DOMException("it took too long", "TimeoutError");
  expect(lostRequest("/api", cause)).toMatchObject({ code: "KUBERNETES_TIMEOUT", cause });
});
