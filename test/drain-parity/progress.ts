/** Says every few seconds how far a long comparison is, and when it will end; and at once what differs. */

const EVERY_MS = 15_000;
const SHOWN = 20;

export interface Progress {
  /** @param difference  of the pair that is done now, where there is one */
  readonly note: (difference: string | undefined) => void;
  readonly stop: () => void;
}

export function startProgress(total: number): Progress {
  // The first nodes have to be there.
  let beganMs: number | undefined;
  let done = 0;
  let differing = 0;
  const say = (): void => {
    if (beganMs === undefined) return;
    const rate = done / ((performance.now() - beganMs) / 1000);
    const minutes = Math.ceil((total - done) / rate / 60);
    console.log(`${done} of ${total} pairs, ${rate.toFixed(1)}/s, ${differing} differ, ${minutes} min to go`);
  };
  const timer = setInterval(say, EVERY_MS);
  return {
    note: (difference) => {
      beganMs ??= performance.now();
      done += 1;
      if (difference === undefined) return;
      differing += 1;
      if (differing <= SHOWN) console.log(difference);
    },
    stop: () => {
      clearInterval(timer);
      say();
    },
  };
}
