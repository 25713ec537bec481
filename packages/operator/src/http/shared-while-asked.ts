/** A question that several have at the same time is asked once, and its answer is for all of them. */

/**
 * @param keyOf  the same for the same question
 * @returns      the same function, whose answer is as old as its question: for whom that is too old, the other one is there
 */
export function sharedWhileAsked<Asked, Answer>(
  keyOf: (asked: Asked) => string,
  ask: (asked: Asked) => Promise<Answer>,
): (asked: Asked) => Promise<Answer> {
  const underWay = new Map<string, Promise<Answer>>();
  return (asked) => {
    const key = keyOf(asked);
    const held = underWay.get(key);
    if (held !== undefined) return held;
    const answer = ask(asked).finally(() => underWay.delete(key));
    underWay.set(key, answer);
    return answer;
  };
}
