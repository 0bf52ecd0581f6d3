import { expect, test } from 'vitest';
import { concentration, metric, retention, rfm, sankey, type Words } from './options';
import type { Answer } from './question';
import { askable, begin, kinds, questionOf, stepText, turned, withStepText } from './question';

const w: Words = { format: String, short: String, dimension: (v) => String(v ?? '?'), say: (x) => x };
const heat = { from: '#fff', to: '#000', ink: '#888' };
const answer = (columns: [string, 'dimension' | 'measure'][], rows: unknown[][], more = {}): Answer =>
  ({
    columns: columns.map(([name, role]) => ({ name, role })),
    rows,
    cells: rows.map((r) => ({ of: r[0] })),
    ...more,
  }) as unknown as Answer;
const series = (p: { option: Record<string, unknown> } | undefined, i = 0) =>
  ((p?.option.series ?? []) as { data: unknown[]; name: string; type: string }[])[i];

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
  expect(series(p).data).toEqual([5, 9]);
  expect(p?.cellOf({ dataIndex: 1 })).toEqual({ of: 'TH' });
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
  expect(series(p)).toMatchObject({ type: 'line', name: 'TH', data: [null, 9, null] });
  expect(p?.cellOf({ seriesIndex: 1, dataIndex: 2 })).toEqual({ of: '2026-03-01' });
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
  expect(series(retention(a, w, heat)).data).toEqual([[0, 0, 40]]);
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
  const p = rfm(a, w, heat);
  expect(series(p).data).toContainEqual([4, 4, 7]); // 5+4 is 4.5, rounded up
  expect(series(p).data).toContainEqual([2, 0, 6]);
  expect(p.cellOf({ dataIndex: 24 })).toEqual({ segment: 'champions' });
  expect(p.cellOf({ dataIndex: 0 })).toEqual({ segment: 'lost' });
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
  const p = sankey(a);
  expect((series(p) as unknown as { links: unknown[] }).links).toEqual([
    { source: '0 Home', target: '1 Home', value: 3 },
  ]);
  expect(p.cellOf({ dataIndex: 0, dataType: 'edge' })).toEqual({ x: 1 });
  expect(p.cellOf({ dataIndex: 0, dataType: 'node' })).toEqual({ step_0: 'Home' });
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
  expect(series(p).data).toEqual([
    [0, 0],
    [5, 40],
    [100, 100],
  ]);
  expect(p.cellOf({ seriesIndex: 0, dataIndex: 1 })).toEqual({ of: 5 });
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
