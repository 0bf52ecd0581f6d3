// How large audiences were on the days of a month, from how large they are and who has come and gone since.

/** An audience, a day, how many came into it and how many left. */
export type Move = [audience: string, day: string, entries: number | null, exits: number | null];

const days = 30;

/** The days of the last month, today last. */
export const lastDays = (now: number) =>
  Array.from({ length: days }, (_, i) => new Date(now - (days - 1 - i) * 86_400_000).toISOString().slice(0, 10));

/** The sizes at the end of each day, today last. */
export function monthOf(list: { name: string; members: number }[], moves: Move[], now: number): Map<string, number[]> {
  const names = lastDays(now);
  const net = new Map(
    moves.map(([audience, day, came, went]) => [`${audience} ${day.slice(0, 10)}`, (came ?? 0) - (went ?? 0)]),
  );
  const out = new Map<string, number[]>();
  for (const { name, members } of list) {
    const line = [members];
    for (let i = days - 1; i > 0; i--) line.unshift(Math.max(0, line[0] - (net.get(`${name} ${names[i]}`) ?? 0)));
    out.set(name, line);
  }
  return out;
}
