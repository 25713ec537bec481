/** One connection through the tunnel, as a stream that an HTTP server takes for a socket. */
import { Duplex } from "node:stream";
import { TunnelError } from "../errors.ts";
import { END_OF_STREAM } from "../frame.ts";
import type { Inlet, Outlet, Sent } from "../multiplexer.ts";

/** The other side is asked to stop when more than this lies unread, and to go on below a quarter of it. */
export const PAUSE_BYTES = 256 * 1024;
const RESUME_BYTES = PAUSE_BYTES / 4;
/** What is kept of a frame beside its bytes: many small ones must not cost more than they count. */
const FRAME_COST_BYTES = 256;
/** One connection's answer must not keep the others from the line. */
export const DATA_MAX_BYTES = 32 * 1024;
/** Who asked us to stop and does not let us go on has gone. */
const PAUSED_LONGEST_MS = 60_000;
/** After the other side's end: so long may it take until what it had sent is read. */
const LINGER_MS = 10_000;
/** After our last word: who sends a large body still is to read the answer before its sending fails. */
const LAST_WORD = { quietMs: 200, longestMs: 5_000 } as const;

/** With the methods of a socket that Node's HTTP server calls. */
export class TunnelStream extends Duplex implements Inlet {
  /** What stands in place of the address of who is at the other end, which the tunnel does not tell. */
  readonly remoteAddress: string;
  readonly #outlet: Outlet;
  #queue: Buffer[] = [];
  #first = 0;
  #unread = 0;
  /** Asks for a pause anew where the other side goes on all the same. */
  #pauseAbove = PAUSE_BYTES;
  #isWanted = false;
  #isPaused = false;
  #hasPeerEnded = false;
  #goOn: (() => void) | undefined;
  #stalled: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Set after our last word. */
  #quiet: NodeJS.Timeout | undefined;

  constructor(outlet: Outlet, remoteAddress: string) {
    super({ allowHalfOpen: true });
    this.#outlet = outlet;
    this.remoteAddress = remoteAddress;
    // The tunnel knows no half-closed connections: our end is the end, both ways.
    this.once("finish", () => this.#hasFinished());
    // Between one owner and the next nobody may be listening.
    this.on("error", () => undefined);
  }

  arrived(data: Buffer): void {
    if (this.destroyed || this.#hasPeerEnded) return;
    this.#idle?.refresh();
    if (this.#quiet !== undefined) {
      this.#quiet.refresh();
      return;
    }
    // The message around it, and the read buffer around that, would stay in memory with it.
    const own = Buffer.allocUnsafeSlow(data.length);
    data.copy(own);
    this.#queue.push(own);
    this.#count(own.length + FRAME_COST_BYTES);
    this.#flow();
    if (this.#unread <= this.#pauseAbove) return;
    this.#pauseAbove = 2 * this.#unread;
    this.#outlet.setPaused(true);
  }

  ended(text: string): void {
    this.#hasPeerEnded = true;
    if (text !== END_OF_STREAM || this.writableFinished) {
      this.destroy();
      return;
    }
    this.#linger = setTimeout(() => this.destroy(), LINGER_MS);
    this.#flow();
    this.#release();
  }

  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (!isPaused) this.#release();
  }

  /** As of net.Socket: emits `timeout` when nothing went either way for so long; 0 for never. */
  setTimeout(idleMs: number, onTimeout?: () => void): this {
    clearTimeout(this.#idle);
    this.#idle = idleMs > 0 && !this.destroyed ? setTimeout(() => this.emit("timeout"), idleMs) : undefined;
    this.#idle?.unref();
    if (onTimeout === undefined) return this;
    if (idleMs > 0) this.once("timeout", onTimeout);
    else this.off("timeout", onTimeout);
    return this;
  }

  override _read(): void {
    this.#isWanted = true;
    this.#flow();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Sent): void {
    this.#send(chunk, 0, done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Sent): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), 0, done);
  }

  override _destroy(error: Error | null, done: Sent): void {
    for (const timer of [this.#stalled, this.#linger, this.#idle, this.#quiet]) clearTimeout(timer);
    this.#count(-this.#unread);
    [this.#queue, this.#first] = [[], 0];
    this.#outlet.end(error === null ? END_OF_STREAM : "connection reset");
    const goOn = this.#goOn;
    this.#goOn = undefined;
    goOn?.();
    done(error);
  }

  #count(bytes: number): void {
    this.#unread += bytes;
    if (bytes !== 0) this.#outlet.unread(bytes);
  }

  #hasFinished(): void {
    if (this.#hasPeerEnded || this.destroyed) {
      this.destroy();
      return;
    }
    this.#linger = setTimeout(() => this.destroy(), LAST_WORD.longestMs);
    this.#quiet = setTimeout(() => this.destroy(), LAST_WORD.quietMs);
    // From now on what comes is thrown away.
    this.#count(-this.#unread);
    [this.#queue, this.#first] = [[], 0];
    this.#flow();
  }

  #next(): Buffer | undefined {
    const next = this.#queue[this.#first];
    if (next === undefined) return undefined;
    this.#first += 1;
    // Not one by one: that moves all others each time.
    if (this.#first === this.#queue.length) [this.#queue, this.#first] = [[], 0];
    else if (this.#first === 1_024) [this.#queue, this.#first] = [this.#queue.slice(this.#first), 0];
    return next;
  }

  #flow(): void {
    while (this.#isWanted) {
      const next = this.#next();
      if (next === undefined) break;
      this.#count(-next.length - FRAME_COST_BYTES);
      this.#isWanted = this.push(next);
    }
    if (this.#pauseAbove > PAUSE_BYTES && this.#unread < RESUME_BYTES) {
      this.#pauseAbove = PAUSE_BYTES;
      this.#outlet.setPaused(false);
    }
    if (this.#hasPeerEnded && this.#queue.length === 0 && !this.readableEnded) this.push(null);
  }

  #send(bytes: Buffer, from: number, done: Sent): void {
    if (this.destroyed || this.#hasPeerEnded) {
      done(new TunnelError("TUNNEL_ENDED", "the other side has ended the connection"));
    } else if (from >= bytes.length) done();
    else if (this.#isPaused) this.#wait(() => this.#send(bytes, from, done));
    else {
      this.#idle?.refresh();
      const to = from + DATA_MAX_BYTES;
      this.#outlet.data(bytes.subarray(from, to), (error) => {
        if (error) done(error);
        // Not at once: as long as the network takes everything, nobody would hear that the other side asks for a pause.
        else setImmediate(() => this.#send(bytes, to, done));
      });
    }
  }

  #wait(goOn: () => void): void {
    this.#goOn = goOn;
    this.#stalled = setTimeout(() => {
      this.destroy(new TunnelError("TUNNEL_TIMEOUT", "the other side asked us to stop, and never to go on"));
    }, PAUSED_LONGEST_MS);
  }

  #release(): void {
    const goOn = this.#goOn;
    this.#goOn = undefined;
    clearTimeout(this.#stalled);
    goOn?.();
  }
}
