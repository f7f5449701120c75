// Waiting with a bound for what a client hears. Read by Node and by browsers alike.

export const BOUND = 20000; // milliseconds, of any single step

export class Queue {
  #items = [];
  #waiting = [];

  put(item) {
    const first = this.#waiting.shift();
    if (first) first(item);
    else this.#items.push(item);
  }

  // The next item; refuses when none comes.
  get() {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    return bounded(new Promise((resolve) => this.#waiting.push(resolve)), 'nothing came');
  }

  get length() {
    return this.#items.length;
  }
}

export function bounded(promise, reason) {
  let timer;
  const end = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(reason)), BOUND);
  });
  return Promise.race([promise, end]).finally(() => clearTimeout(timer));
}

export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export function equal(got, wanted, of) {
  if (got !== wanted) throw new Error(`${of} is ${String(got)}, not ${String(wanted)}`);
}

export function holds(condition, sentence) {
  if (!condition) throw new Error(`it does not hold that ${sentence}`);
}
