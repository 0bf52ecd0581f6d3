import { expect, test } from 'vitest';
import type { Plot } from '../parts/chart';
import { placed } from '../parts/plots';
import { scale } from '../parts/rows';
import { concentration, metric, type Plan, retention, rfm, sankey, type Words } from './options';
import type { Answer } from './question';
import { askable, begin, kinds, questionOf, stepText, turned, withStepText } from './question';

const w: Words = { format: String, percent: String, dimension: (v) => String(v ?? '?'), head: (x) => x, say: (x) => x };
const answer = (columns: [string, 'dimension' | 'measure'][], rows: unknown[][], more = {}): Answer =>
  ({
    columns: columns.map(([name, role]) => ({ name, role })),
    rows,
    cells: rows.map((r) => ({ of: r[0] })),
    ...more,
  }) as unknown as Answer;
/** Who is behind a part of the chart. */
const behind = (p: Plan | undefined, part: { pick?: number } | undefined) => p?.picks[part?.pick ?? -1]?.cell;
/** The chart, which must be of a kind. */
function drawn<K extends Plot['kind']>(p: Plan | undefined, kind: K) {
  expect(p?.plot.kind).toBe(kind);
  return p?.plot as Extract<Plot, { kind: K }>;
}

test('bars show the largest, and a click finds the row', () => {
  const a = answer(
    [
      ['country', 'dimension'],
      ['revenue', 'measure'],
    ],
    [
      ['DE', 5],
      ['TH', 9],
      [null, null],
    ],
  );
  const p = metric(a, 'revenue', w);
  const { rows } = drawn(p, 'rows');
  expect(rows.map((r) => [r.label, r.value])).toEqual([
    ['TH', 9],
    ['DE', 5],
  ]);
  expect(behind(p, rows[0])).toEqual({ of: 'TH' });
  expect(metric(a, 'gone', w)).toBeUndefined();
});

test('time is a line for each value of the other dimension, with gaps where nothing is', () => {
  const rows = [
    ['2026-01-01', 'DE', 1],
    ['2026-02-01', 'DE', 2],
    ['2026-03-01', 'DE', 2],
    ['2026-02-01', 'TH', 9],
  ];
  const a = answer(
    [
      ['month', 'dimension'],
      ['country', 'dimension'],
      ['revenue', 'measure'],
    ],
    rows,
  );
  const p = metric(a, 'revenue', w);
  const { lines } = drawn(p, 'lines');
  expect(lines[0].name).toBe('TH');
  expect(lines[0].points.map((at) => at.y)).toEqual([null, 9, null]);
  expect(behind(p, lines[1].points[2])).toEqual({ of: '2026-03-01' });
});

test('a map of retention leaves out the beginning', () => {
  const a = answer(
    [
      ['cohort', 'dimension'],
      ['period', 'dimension'],
      ['of_cohort', 'measure'],
    ],
    [
      ['2026-01-01', 0, 100],
      ['2026-01-01', 1, 40],
    ],
  );
  expect(drawn(retention(a, w, 'month'), 'heat').cells).toMatchObject([{ x: 0, y: 0, heat: 1, text: '40' }]);
});

test('scores fall into the segments of the table', () => {
  const a = answer(
    [
      ['score', 'dimension'],
      ['people', 'measure'],
    ],
    [
      ['555', 3],
      ['554', 4],
      ['111', 5],
      ['151', 6],
    ],
  );
  const p = rfm(a, w);
  const cell = (recency: number, other: number) =>
    drawn(p, 'heat').cells.find((c) => c.y === 5 - recency && c.x === other - 1);
  expect(cell(5, 5)?.text).toBe('seg_champions\n7'); // 5+4 is 4.5, rounded up
  expect(cell(1, 3)?.text).toBe('seg_at_risk\n6');
  expect(behind(p, cell(5, 5))).toEqual({ segment: 'champions' });
  expect(behind(p, cell(1, 1))).toEqual({ segment: 'lost' });
});

test('a flow has its links and cells', () => {
  const a = answer([], [], {
    nodes: [
      { step: 0, label: 'Home', people: 5, cell: { step_0: 'Home' } },
      { step: 1, label: 'Home', people: 3 },
    ],
    links: [
      { step: 0, from: 'Home', to: 'Home', people: 3, cell: { x: 1 } },
      { step: 1, from: 'Home', to: 'gone', people: 1 },
    ],
  });
  const p = sankey(a, w);
  const flow = drawn(p, 'flow');
  expect(flow.links).toMatchObject([{ from: 0, to: 1, size: 3 }]);
  expect(behind(p, flow.links[0])).toEqual({ x: 1 });
  expect(behind(p, flow.nodes[0])).toEqual({ step_0: 'Home' });
  expect(sankey(answer([], [], { nodes: [{ step: 0, label: 'a' }] }), w)).toBeUndefined();
});

test('what flows fills the height, and links leave and reach their nodes without lying on each other', () => {
  const node = (step: number, size: number) => ({ step, size, label: `${step} ${size}`, title: '' });
  const link = (from: number, to: number, size: number) => ({ from, to, size, title: '' });
  const nodes = [node(0, 10), node(1, 4), node(1, 6)];
  const { top, unit, ends } = placed(nodes, [link(0, 1, 4), link(0, 2, 6)], 110, 10);
  expect(unit).toBe(10);
  expect(top).toEqual([0, 70, 0]); // the larger of two that nothing else tells apart comes first
  expect(ends).toEqual([
    { from: 60, to: 70 },
    { from: 0, to: 0 },
  ]);
});

test('a scale holds nothing, what is over it and what is below', () => {
  const s = scale([47, -12]);
  expect(s.marks).toEqual([-20, 0, 20, 40, 60]);
  expect([s.at(-20), s.at(0), s.at(60)]).toEqual([0, 25, 100]);
  expect(scale([]).marks).toEqual([0, 1]);
});

test('the curve begins at nothing', () => {
  const a = answer(
    [
      ['percent', 'dimension'],
      ['of_amount', 'measure'],
    ],
    [
      [5, 40],
      [100, 100],
    ],
  );
  const p = concentration(a, w);
  const [{ points }] = drawn(p, 'lines').lines;
  expect(points.map((at) => [at.x, at.y])).toEqual([
    [0, 0],
    [5, 40],
    [100, 100],
  ]);
  expect(behind(p, points[1])).toEqual({ of: 5 });
});

test('questions', () => {
  expect(turned({ kind: 'metric', measures: ['x'], audiences: ['vip'] }, 'rfm')).toEqual({
    kind: 'rfm',
    audiences: ['vip'],
  });
  expect(questionOf('nonsense')).toEqual(begin.metric);
  expect(kinds.map((k) => askable(begin[k]))).toEqual(kinds.map((k) => k !== 'insight'));
  expect(withStepText({ event: 'a', name: 'n' }, 'table:orders')).toEqual({ name: 'n', table: 'orders' });
  expect(stepText({ table: 'orders' })).toBe('table:orders');
});
