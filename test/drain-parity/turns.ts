/** Turns: only so many compute at one time, and who only sleeps gives its turn to another one. */

export type Turns = <Result>(work: (giveBack: () => void) => Promise<Result>) => Promise<Result>;

/** @returns what calls each work in its turn; it may give its turn back before its end */
export function createTurns(atOneTime: number): Turns {
  let free = atOneTime;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    let isGivenBack = false;
    const giveBack = (): void => {
      if (isGivenBack) return;
      isGivenBack = true;
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    };
    try {
      return await work(giveBack);
    } finally {
      giveBack();
    }
  };
}
