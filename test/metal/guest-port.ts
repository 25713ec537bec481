/** A root shell in a virtual machine, over a virtio serial port: commands in, status and output back. */
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

export interface GuestAnswer {
  readonly status: number;
  /** stdout and stderr. */
  readonly output: string;
}

interface Waiting {
  readonly resolve: (answer: GuestAnswer) => void;
  readonly reject: (error: Error) => void;
}

const CONNECT_RETRY_MS = 50;
const CONNECT_DEADLINE_MS = 10_000;

/** The other end is test/metal/guest/usr/lib/rancheros-test/port, whose comment describes the lines. */
export class GuestPort {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #boots: string[] = [];
  #news = Promise.withResolvers<void>();
  #number = 0;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    createInterface({ input: socket }).on("line", (line) => this.#take(line));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#closed = true;
      this.#fail("the machine is off");
      this.#tell();
    });
  }

  /** @param path  of the socket that QEMU listens on, which appears a moment after QEMU started */
  static async connect(path: string): Promise<GuestPort> {
    const deadlineMs = performance.now() + CONNECT_DEADLINE_MS;
    for (;;) {
      const socket = createConnection(path);
      try {
        await once(socket, "connect");
        return new GuestPort(socket);
      } catch (error) {
        if (performance.now() > deadlineMs) throw error;
        await sleep(CONNECT_RETRY_MS);
      }
    }
  }

  /** How many times a system has come up behind this port. */
  get boots(): number {
    return this.#boots.length;
  }

  /**
   * Waits until a system has come up for the so-manieth time.
   * @throws Error  it took too long, or the machine is off
   */
  async waitForBoot(count: number, timeoutMs: number): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    while (this.#boots.length < count) {
      if (this.#closed) throw new Error("the machine went off before its system came up");
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) throw new Error(`no system came up within ${timeoutMs / 1000} s`);
      await Promise.race([this.#news.promise, sleep(Math.min(leftMs, 1_000))]);
    }
  }

  /** @throws Error  the machine went off or restarted meanwhile, or it took too long */
  async run(command: string, timeoutMs = 60_000): Promise<GuestAnswer> {
    this.#number += 1;
    const number = this.#number;
    const { promise, resolve, reject } = Promise.withResolvers<GuestAnswer>();
    this.#waiting.set(number, { resolve, reject });
    this.#socket.write(`${number} ${Buffer.from(command).toString("base64")}\n`);
    const timer = setTimeout(
      () => reject(new Error(`no answer within ${timeoutMs / 1000} s to: ${command}`)),
      timeoutMs,
    );
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(number);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(line: string): void {
    const [first = "", second = "", third = ""] = line.trim().split(" ");
    if (first === "ready") {
      // Who was asked before does not answer any more.
      this.#fail("the machine has restarted");
      if (this.#boots.at(-1) !== second) this.#boots.push(second);
      this.#tell();
      return;
    }
    const output = Buffer.from(third, "base64").toString("utf8");
    this.#waiting.get(Number(first))?.resolve({ status: Number(second), output });
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  #fail(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#waiting.clear();
  }
}
