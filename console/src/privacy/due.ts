const day = 86_400_000;

/** Whole days from now until an instant: 0 is within a day, what has passed is below 0. */
export const daysUntil = (at: string, now: number): number => Math.floor((Date.parse(at) - now) / day);

/** The viewer's day, as a box for dates has it. */
export function today(now = new Date()): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}
