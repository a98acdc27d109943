// How long to wait before the next attempt to connect. Pure: the caller brings the randomness.

const FIRST_MS = 800;
const FACTOR = 1.7;
const LONGEST_MS = 15_000;

/**
 * Milliseconds before attempt number `attempt` (0 = the first retry).
 * `random` in 0..1 takes off up to a fifth, so that many pages do not return in the same instant.
 */
export function reconnectDelayMs(attempt: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * FACTOR ** Math.min(attempt, 20));
  return Math.round(full * (1 - 0.2 * random));
}
