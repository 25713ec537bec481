/** What machines are told of the operator's address while Rancher's settings come in. */
import { isCodedError } from "@rancheros/protocol/errors";
import { expect, it } from "vitest";
import { followAddress } from "../../src/operator-address.ts";

const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };

/** What is answered, or the code of the refusal and when to come back. */
function answerOf(ask: () => string | undefined): unknown {
  try {
    return ask();
  } catch (error) {
    return isCodedError(error) ? { code: error.code, retry: error.retry } : error;
  }
}

it("is refused for a moment and not answered wrongly; what is missing for good is told in other words", async () => {
  let isRead = false;
  const settings = { serverUrl: undefined, publicCa: false, caFile: undefined };
  const address = await followAddress(settings, { ownCaPem: () => "own", isRancherKnown: () => isRead, log });
  const told = (): readonly unknown[] => [answerOf(() => address.url()), answerOf(() => address.caPem())];
  const notReady = { code: "OPERATOR_NOT_READY", retry: "backoff" };
  expect(told()).toEqual([notReady, notReady]);
  address.takeRancher({ "server-url": "https://rancher.test" });
  expect(told()).toEqual(["https://rancher.test", notReady]);
  isRead = true;
  address.takeRancher({ "server-url": "https://rancher.test", cacerts: "CA" });
  expect(told()).toEqual(["https://rancher.test", "CA"]);
  address.takeRancher({});
  expect(told()).toEqual([{ code: "SERVER_URL_NOT_SET", retry: "backoff" }, "own"]);
  address.stop();
});
