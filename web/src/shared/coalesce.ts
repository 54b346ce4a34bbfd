/** Calm a busy caller: run at once, then at most every `everyMs`, with the last arguments given. */
export function coalesce<A extends unknown[]>(run: (...args: A) => void, everyMs: number): (...args: A) => void {
  let isResting = false;
  let waiting: A | null = null;
  const rest = (): void => {
    isResting = true;
    setTimeout(() => {
      isResting = false;
      if (!waiting) return;
      const args = waiting;
      waiting = null;
      run(...args);
      rest();
    }, everyMs);
  };
  return (...args) => {
    if (isResting) {
      waiting = args;
      return;
    }
    run(...args);
    rest();
  };
}
