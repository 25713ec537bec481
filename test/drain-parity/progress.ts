/** Says every few seconds how far a long comparison is, and when it will end. */

const EVERY_MS = 15_000;

export interface Progress {
  readonly note: (differs: boolean) => void;
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
    note: (differs) => {
      beganMs ??= performance.now();
      done += 1;
      if (differs) differing += 1;
    },
    stop: () => {
      clearInterval(timer);
      say();
    },
  };
}
