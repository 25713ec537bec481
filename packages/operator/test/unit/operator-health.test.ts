/** A page of metrics costs some milliseconds, and asks for no login: it is made once for all who wait for it. */
import { once } from "node:events";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { UNANSWERED_MAX } from "../../src/http/limits.ts";
import { startHealth } from "../../src/operator-health.ts";

it("as many requests as a connection may have unanswered are answered with one page", async () => {
  let made = 0;
  const page = async () => {
    made += 1;
    return { contentType: "text/plain", text: `page ${made}\n` };
  };
  const where = { healthListen: { host: "127.0.0.1", port: 0 } };
  const health = await startHealth(where, { notReady: () => [] }, { page }, 8);
  const socket = connect(health?.address.port ?? 0, "127.0.0.1");
  let said = "";
  socket.setEncoding("latin1").on("data", (part: string) => {
    said += part;
  });
  const request = (more = "") => `GET /metrics HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
  socket.write(request().repeat(UNANSWERED_MAX - 1) + request("Connection: close\r\n"));
  await once(socket, "close");
  health?.stop();
  expect(said.split("page 1\n")).toHaveLength(UNANSWERED_MAX + 1);
  expect(made).toBe(1);
});
