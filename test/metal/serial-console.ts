/** A person at a machine's serial port: reads what stands there, and types. */
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What stands on each console of a live system. Source: boot/image/live/live-console */
export const MENU = /i, d, s or r: /;
const LOOK_MS = 200;
const KNOCK_MS = 5_000;
const LAST_CHARACTERS = 2_000;

export class SerialConsole {
  readonly #socket: Socket;
  readonly #said: () => string;
  #readTo: number;

  private constructor(socket: Socket, said: () => string) {
    this.#socket = socket;
    this.#said = said;
    this.#readTo = said().length;
    // The machine waits for whoever is there and does not read.
    socket.resume();
    socket.on("error", () => socket.destroy());
  }

  /** @param said  everything that the machine has said, as it is kept */
  static async open(path: string, said: () => string): Promise<SerialConsole> {
    const socket = createConnection(path);
    await once(socket, "connect");
    return new SerialConsole(socket, said);
  }

  /** With Return at its end, as a terminal has it. */
  answer(line: string): void {
    this.#socket.write(`${line}\r`);
  }

  /** Presses Return until this stands there: who is asked for a word asks again. @throws Error with the last that was said */
  async knock(what: RegExp, timeoutMs: number): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      this.answer("");
      try {
        await this.until(what, KNOCK_MS);
        return;
      } catch (error) {
        if (performance.now() > deadlineMs) throw error;
      }
    }
  }

  /**
   * Reads on until this stands there.
   * @returns what was read  @throws Error with the last of it
   */
  async until(what: RegExp, timeoutMs: number): Promise<string> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const unread = this.#said().slice(this.#readTo);
      const found = what.exec(unread);
      if (found !== null) {
        const read = unread.slice(0, found.index + found[0].length);
        this.#readTo += read.length;
        return read;
      }
      if (performance.now() > deadlineMs) {
        throw new Error(`${what} does not come up on the console; its end:\n${unread.slice(-LAST_CHARACTERS)}`);
      }
      await sleep(LOOK_MS);
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}
