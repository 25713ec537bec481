/** Who asks and reads no answers gets a few, and holds a connection for a while and no longer. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { listenForHealth, type HealthListener } from "../../../src/http/io/health-listener.ts";
import { ANSWER_TAKEN_MS, UNANSWERED_MAX } from "../../../src/http/limits.ts";

const REQUEST = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
/** More than what lies between two programs of one machine. */
const LONG = "x".repeat(32 * 1024 * 1024);
const SHORT = "short";

let listener: HealthListener;
let socket: Socket;
let text: string;
let asked: number;
let answers: string;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  [asked, answers] = [0, ""];
  const metrics = async () => {
    asked += 1;
    return { contentType: "text/plain", text };
  };
  listener = await listenForHealth({ host: "127.0.0.1", port: 0 }, () => [], metrics);
  socket = connect({ port: listener.address.port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  socket.setEncoding("latin1").on("data", (part: string) => {
    answers += part;
  });
  socket.pause();
  await once(socket, "connect");
});

afterEach(() => {
  socket.destroy();
  listener.stop();
  vi.useRealTimers();
});

/** That of vitest moves the clock on. The test's own time is the end of it. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

async function answered(times: number): Promise<void> {
  await until(() => answers.length > times * text.length && answers.split(text).length > times);
}

it("an answer is taken late, and its connection goes on", async () => {
  text = LONG;
  socket.write(REQUEST);
  await until(() => vi.getTimerCount() > 0);
  vi.advanceTimersByTime(ANSWER_TAKEN_MS - 1);
  socket.resume();
  await answered(1);
  await until(() => vi.getTimerCount() === 0);
  [text, answers] = [SHORT, ""];
  socket.write(REQUEST);
  await answered(1);
  vi.advanceTimersByTime(ANSWER_TAKEN_MS);
  expect(socket.destroyed).toBe(false);
});

it("an answer that nobody takes ends its connection when its time is over", async () => {
  text = LONG;
  socket.write(REQUEST);
  await until(() => vi.getTimerCount() > 0);
  vi.advanceTimersByTime(ANSWER_TAKEN_MS);
  socket.resume();
  await once(socket, "close");
  expect(answers.length).toBeLessThan(LONG.length);
});

it("as many requests at once as are allowed are answered, and one more ends the connection", async () => {
  text = SHORT;
  socket.resume();
  socket.write(REQUEST.repeat(UNANSWERED_MAX));
  await answered(UNANSWERED_MAX);
  const closed = once(socket, "close");
  socket.write(REQUEST.repeat(1_000));
  await closed;
  expect(asked).toBe(2 * UNANSWERED_MAX);
});
