// Charts of answers: pure functions of the answer, so that they can be tested without drawing.
import type { Plot } from '../parts/chart';
import { shares } from '../parts/lines';
import type { Answer, Cell } from './question';
import { times } from './question';

/** What is drawn, what is measured, and who is behind each part that can be picked. */
export interface Plan {
  plot: Plot;
  unit?: string;
  picks: { cell: Cell | null; what: string }[];
}

/** How texts and numbers are shown: of a column for a value, and of a dimension's value. */
export interface Words {
  format: (value: unknown, unit?: string) => string;
  percent: (share: number) => string;
  dimension: (value: unknown, column: string) => string;
  head: (column: string) => string;
  say: (word: string) => string;
}

const rowsOf = (a: Answer) => (a.rows ?? []) as unknown[][];
const columnsOf = (a: Answer) => a.columns ?? [];
const cellsOf = (a: Answer) => (a.cells ?? []) as (Cell | null)[];

export const dimensionsOf = (a: Answer) => columnsOf(a).filter((c) => c.role === 'dimension');
export const measuresOf = (a: Answer) => columnsOf(a).filter((c) => c.role === 'measure');

/** Each row of the answer can be picked. */
const byRow = (a: Answer, what: (row: unknown[]) => string) =>
  rowsOf(a).map((r, i) => ({ cell: cellsOf(a)[i] ?? null, what: what(r) }));

const most = 12;
const lines = 6;

/** What is measured: the column, with the currency where it is money. */
const measured = (column: { name: string; unit?: string }, w: Words) =>
  [w.head(column.name), /^[A-Z]{3}$/.test(column.unit ?? '') ? column.unit : ''].filter(Boolean).join(', ');

/** A measure over time as lines, one for each value of a second dimension; else bars, the largest first. */
export function metric(a: Answer, measure: string, w: Words): Plan | undefined {
  const columns = columnsOf(a);
  const at = columns.findIndex((c) => c.name === measure);
  const dims = dimensionsOf(a).map((d) => ({ name: d.name, at: columns.indexOf(d) }));
  if (at < 0 || dims.length === 0 || rowsOf(a).length === 0) return undefined;
  const value = (v: unknown) => w.format(v, columns[at].unit);
  const labelOf = (r: unknown[], of = dims) => of.map((d) => w.dimension(r[d.at], d.name)).join(' · ');
  const picks = byRow(a, (r) => labelOf(r));
  const rows = rowsOf(a).map((r, pick) => ({ r, pick }));
  const unit = measured(columns[at], w);
  const time = dims.find((d) => times.includes(d.name));
  const stamps = time ? [...new Set(rowsOf(a).map((r) => String(r[time.at])))].sort() : [];
  if (!time || stamps.length < 3) {
    const shown = rows.filter(({ r }) => typeof r[at] === 'number').sort((x, y) => Number(y.r[at]) - Number(x.r[at]));
    const bar = ({ r, pick }: (typeof rows)[0]) => ({
      label: labelOf(r),
      value: Number(r[at]),
      written: value(r[at]),
      pick,
    });
    return { plot: { kind: 'rows', rows: shown.slice(0, most).map(bar) }, unit, picks };
  }
  const others = dims.filter((d) => d !== time);
  const sums = new Map<string, number>();
  for (const r of rowsOf(a)) sums.set(labelOf(r, others), (sums.get(labelOf(r, others)) ?? 0) + Number(r[at] ?? 0));
  const names = [...sums].sort((x, y) => y[1] - x[1]).map(([l]) => l);
  const point = (label: string, stamp: string, x: number) => {
    const found = rows.find(({ r }) => String(r[time.at]) === stamp && labelOf(r, others) === label);
    const y = found && typeof found.r[at] === 'number' ? found.r[at] : null;
    return { x, y, pick: found?.pick, title: found && `${picks[found.pick].what}\n${value(y)}` };
  };
  return {
    plot: {
      kind: 'lines',
      lines: names.slice(0, lines).map((l) => ({ name: l || measure, points: stamps.map((s, x) => point(l, s, x)) })),
      ticks: stamps.map((s, x) => ({ x, label: w.dimension(s, time.name) })),
      end: stamps.length - 1,
    },
    unit: names.length > lines ? `${unit} · ${w.say('largestSix')}` : unit,
    picks,
  };
}

/** Bars of a funnel that shrink from step to step. */
export function funnel(a: Answer, w: Words): Plan {
  const columns = columnsOf(a).map((c) => c.name);
  const [name, people, share] = ['name', 'people', 'of_first'].map((n) => columns.indexOf(n));
  const bar = (r: unknown[], pick: number) => ({
    label: String(r[name]),
    value: Number(r[people]),
    note: w.format(r[share], 'percent'),
    pick,
  });
  return {
    plot: { kind: 'bars', rows: rowsOf(a).map(bar), every: 1, height: 240, write: (v) => w.format(v) },
    unit: w.say('people'),
    picks: byRow(a, (r) => String(r[name])),
  };
}

/** Cohorts down, periods across, the darker the more came back. */
export function retention(a: Answer, w: Words, grain: string): Plan {
  const columns = columnsOf(a).map((c) => c.name);
  const [cohort, period, share] = ['cohort', 'period', 'of_cohort'].map((n) => columns.indexOf(n));
  const rows = rowsOf(a);
  const cohorts = [...new Set(rows.map((r) => String(r[cohort])))].sort();
  const periods = [...new Set(rows.map((r) => Number(r[period])))].sort((x, y) => x - y).filter((p) => p > 0);
  const picks = byRow(a, (r) => `${w.dimension(r[cohort], 'cohort')}, +${r[period]}`);
  const top = Math.max(10, ...rows.filter((r) => Number(r[period]) > 0).map((r) => Number(r[share])));
  const cell = (r: unknown[], pick: number) => ({
    x: periods.indexOf(Number(r[period])),
    y: cohorts.indexOf(String(r[cohort])),
    heat: Number(r[share]) / top,
    text: String(Math.round(Number(r[share]))),
    title: `${picks[pick].what}: ${w.format(r[share], 'percent')}`,
    pick,
  });
  return {
    plot: {
      kind: 'heat',
      across: periods.map((p) => `+${p}`),
      down: cohorts.map((c) => w.dimension(c, 'cohort')),
      names: [w.say(`later_${grain}`), w.say('began')],
      cells: rows.map(cell).filter((c) => c.x >= 0),
    },
    unit: w.say('cameBack'),
    picks,
  };
}

/** The flow from step to step. */
export function sankey(a: Answer, w: Words): Plan | undefined {
  const nodes = a.nodes ?? [];
  const at = (step: number, label: string) => nodes.findIndex((n) => n.step === step && n.label === label);
  if (nodes.every((n) => n.step === nodes[0]?.step)) return undefined; // stages go to and fro: no flow from left to right
  const links = (a.links ?? [])
    .map((l) => ({ ...l, from: at(l.step, l.from), to: at(l.step + 1, l.to) }))
    .filter((l) => l.from >= 0 && l.to >= 0);
  const people = (n: number) => `${w.format(n)} ${w.say('people')}`;
  const between = (l: (typeof links)[0]) => `${nodes[l.from].label} → ${nodes[l.to].label}`;
  return {
    plot: {
      kind: 'flow',
      nodes: nodes.map((n, pick) => ({
        step: n.step,
        label: n.label === '(other)' ? w.say('others') : n.label,
        size: n.people,
        title: `${n.label}\n${people(n.people)}`,
        pick,
      })),
      links: links.map((l, i) => ({
        from: l.from,
        to: l.to,
        size: l.people,
        title: `${between(l)}\n${people(l.people)}`,
        pick: nodes.length + i,
      })),
    },
    picks: [
      ...nodes.map((n) => ({ cell: (n.cell as Cell) ?? null, what: n.label })),
      ...links.map((l) => ({ cell: (l.cell as Cell) ?? null, what: between(l) })),
    ],
  };
}

const segments: string[][] = [
  ['lost', 'lost', 'at_risk', 'at_risk', 'cannot_lose'],
  ['hibernating', 'hibernating', 'at_risk', 'at_risk', 'cannot_lose'],
  ['about_to_sleep', 'about_to_sleep', 'needs_attention', 'loyal', 'loyal'],
  ['promising', 'promising', 'potential_loyal', 'loyal', 'champions'],
  ['new', 'promising', 'potential_loyal', 'champions', 'champions'],
];

/** People by recency and by frequency and money, from an answer by score; 5 is the best fifth. */
export function rfm(a: Answer, w: Words): Plan {
  const columns = columnsOf(a).map((c) => c.name);
  const [score, people] = ['score', 'people'].map((n) => columns.indexOf(n));
  const sums = segments.map((row) => row.map(() => 0));
  for (const r of rowsOf(a)) {
    const [rec, freq, money] = String(r[score]).split('').map(Number);
    sums[rec - 1][Math.floor((freq + money + 1) / 2) - 1] += Number(r[people]);
  }
  const top = Math.max(1, ...sums.flat());
  const picks = segments.flatMap((row) => row.map((s) => ({ cell: { segment: s }, what: w.say(`seg_${s}`) })));
  return {
    plot: {
      kind: 'heat',
      across: ['1', '2', '3', '4', '5'],
      down: ['5', '4', '3', '2', '1'],
      names: [w.say('freqMoney'), w.say('recency')],
      cells: sums.flatMap((row, r) =>
        row.map((n, x) => {
          const pick = r * 5 + x;
          const text = `${picks[pick].what}\n${w.format(n)}`;
          return { x, y: 4 - r, heat: n / top, text, title: text, pick };
        }),
      ),
    },
    unit: w.say('people'),
    picks,
  };
}

/** What share the best bring, beside what they would bring if all were equal. */
export function concentration(a: Answer, w: Words): Plan {
  const columns = columnsOf(a).map((c) => c.name);
  const [percent, share] = ['percent', 'of_amount'].map((n) => columns.indexOf(n));
  const what = (r: unknown[]) => `${w.say('bestPercent')}: ${w.format(r[percent], 'percent')}`;
  const point = (r: unknown[], pick: number) => ({
    x: Number(r[percent]),
    y: Number(r[share]),
    title: `${what(r)}\n${w.say('ofAmount')}: ${w.format(r[share], 'percent')}`,
    pick,
  });
  return {
    plot: {
      kind: 'lines',
      lines: [
        { name: w.say('ofAmount'), points: [{ x: 0, y: 0 }, ...rowsOf(a).map(point)] },
        {
          name: w.say('even'),
          dashed: true,
          points: [
            { x: 0, y: 0 },
            { x: 100, y: 100 },
          ],
        },
      ],
      ticks: shares(w.percent),
      end: 100,
      percent: w.percent,
      under: w.say('bestPercent'),
    },
    picks: byRow(a, what),
  };
}
