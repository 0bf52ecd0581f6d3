// Charts of answers: pure functions of the answer, so that they can be tested without drawing.
import type { Answer, Cell } from './question';
import { times } from './question';

/** What a chart is made of: the option of ECharts, and the cell behind a part that is clicked. */
export interface Plan {
  option: Record<string, unknown>;
  cellOf: (picked: { dataIndex: number; seriesIndex?: number; dataType?: string; data?: unknown }) => Cell | null;
}

/** How texts and numbers are shown: of a column for a value, and of a dimension's value. */
export interface Words {
  format: (value: unknown, unit?: string) => string;
  short: (value: number) => string;
  dimension: (value: unknown, column: string) => string;
  say: (word: string) => string;
}

/** The colours of a map of heat, and of what is written on it. */
export interface Heat {
  from: string;
  to: string;
  ink: string;
}

const rowsOf = (a: Answer) => (a.rows ?? []) as unknown[][];
const columnsOf = (a: Answer) => a.columns ?? [];
const cellsOf = (a: Answer) => (a.cells ?? []) as (Cell | null)[];

export const dimensionsOf = (a: Answer) => columnsOf(a).filter((c) => c.role === 'dimension');
export const measuresOf = (a: Answer) => columnsOf(a).filter((c) => c.role === 'measure');

const most = 12;

/** A measure over time as lines, one for each value of a second dimension; else bars, the largest first. */
export function metric(a: Answer, measure: string, w: Words): Plan | undefined {
  const columns = columnsOf(a);
  const at = columns.findIndex((c) => c.name === measure);
  const dims = dimensionsOf(a).map((d) => ({ name: d.name, at: columns.indexOf(d) }));
  if (at < 0 || dims.length === 0 || rowsOf(a).length === 0) return undefined;
  const unit = columns[at].unit;
  const value = (v: unknown) => w.format(v, unit);
  const time = dims.find((d) => times.includes(d.name));
  const axis = { type: 'value', axisLabel: { formatter: (v: number) => w.short(v) } };
  if (!time) {
    const shown = rowsOf(a)
      .map((r, i) => ({ r, i }))
      .filter(({ r }) => typeof r[at] === 'number')
      .sort((x, y) => Number(y.r[at]) - Number(x.r[at]))
      .slice(0, most)
      .reverse();
    return {
      option: {
        tooltip: {
          trigger: 'item',
          formatter: (p: { name: string; value: unknown }) => `${p.name}\n${value(p.value)}`,
        },
        xAxis: axis,
        yAxis: {
          type: 'category',
          data: shown.map(({ r }) => dims.map((d) => w.dimension(r[d.at], d.name)).join(' · ')),
          axisLabel: { width: 130, overflow: 'truncate' },
        },
        series: [{ type: 'bar', name: measure, data: shown.map(({ r }) => r[at]), barMaxWidth: 22 }],
      },
      cellOf: (p) => cellsOf(a)[shown[p.dataIndex]?.i] ?? null,
    };
  }
  const others = dims.filter((d) => d !== time);
  const labelOf = (r: unknown[]) => others.map((d) => w.dimension(r[d.at], d.name)).join(' · ') || measure;
  const stamps = [...new Set(rowsOf(a).map((r) => String(r[time.at])))].sort();
  const sums = new Map<string, number>();
  for (const r of rowsOf(a)) sums.set(labelOf(r), (sums.get(labelOf(r)) ?? 0) + Number(r[at] ?? 0));
  const labels = [...sums]
    .sort((x, y) => y[1] - x[1])
    .slice(0, 6)
    .map(([l]) => l);
  const find = (label: string, stamp: string) =>
    rowsOf(a).findIndex((r) => String(r[time.at]) === stamp && labelOf(r) === label);
  return {
    option: {
      legend: labels.length > 1 ? { top: 0, type: 'scroll' } : undefined,
      grid: {
        left: 8,
        right: 16,
        top: labels.length > 1 ? 36 : 16,
        bottom: 8,
        outerBoundsMode: 'same',
        outerBoundsContain: 'axisLabel',
      },
      tooltip: { trigger: 'axis', valueFormatter: value },
      xAxis: { type: 'category', data: stamps.map((s) => w.dimension(s, time.name)), boundaryGap: stamps.length < 3 },
      yAxis: axis,
      series: labels.map((l) => ({
        type: stamps.length < 3 ? 'bar' : 'line',
        name: l,
        symbolSize: 6,
        showSymbol: stamps.length < 40,
        data: stamps.map((s) => rowsOf(a)[find(l, s)]?.[at] ?? null),
      })),
    },
    cellOf: (p) => cellsOf(a)[find(labels[p.seriesIndex ?? 0], stamps[p.dataIndex])] ?? null,
  };
}

/** Bars of a funnel that shrink from step to step. */
export function funnel(a: Answer, w: Words): Plan {
  const columns = columnsOf(a).map((c) => c.name);
  const [name, people, share] = ['name', 'people', 'of_first'].map((n) => columns.indexOf(n));
  const rows = rowsOf(a);
  return {
    option: {
      tooltip: {
        trigger: 'item',
        formatter: (p: { dataIndex: number }) => `${rows[p.dataIndex][name]}\n${w.format(rows[p.dataIndex][people])}`,
      },
      xAxis: { type: 'category', data: rows.map((r) => String(r[name])) },
      yAxis: { type: 'value', axisLabel: { formatter: (v: number) => w.short(v) } },
      series: [
        {
          type: 'bar',
          data: rows.map((r) => r[people]),
          barMaxWidth: 90,
          label: {
            show: true,
            position: 'top',
            formatter: (p: { dataIndex: number }) => w.format(rows[p.dataIndex][share], 'percent'),
          },
        },
      ],
    },
    cellOf: (p) => cellsOf(a)[p.dataIndex] ?? null,
  };
}

/** Cohorts down, periods across, the darker the more came back. */
export function retention(a: Answer, w: Words, heat: Heat): Plan {
  const columns = columnsOf(a).map((c) => c.name);
  const [cohort, period, share] = ['cohort', 'period', 'of_cohort'].map((n) => columns.indexOf(n));
  const rows = rowsOf(a);
  const cohorts = [...new Set(rows.map((r) => String(r[cohort])))].sort().reverse();
  const periods = [...new Set(rows.map((r) => Number(r[period])))].sort((x, y) => x - y).filter((p) => p > 0);
  const shown = rows.map((r, i) => ({ r, i })).filter(({ r }) => Number(r[period]) > 0);
  const top = Math.max(10, ...shown.map(({ r }) => Number(r[share])));
  return {
    option: {
      tooltip: {
        formatter: (p: { dataIndex: number }) => {
          const r = shown[p.dataIndex].r;
          return `${w.dimension(r[cohort], 'month')}, +${r[period]}\n${w.format(r[share], 'percent')}`;
        },
      },
      grid: { left: 8, right: 8, top: 8, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
      xAxis: { type: 'category', position: 'top', data: periods.map((p) => `+${p}`) },
      yAxis: { type: 'category', data: cohorts.map((c) => w.dimension(c, 'month')) },
      visualMap: { show: false, min: 0, max: top, inRange: { color: [heat.from, heat.to] } },
      series: [
        {
          type: 'heatmap',
          data: shown.map(({ r }) => [
            periods.indexOf(Number(r[period])),
            cohorts.indexOf(String(r[cohort])),
            Number(r[share]),
          ]),
          label: {
            show: periods.length < 16,
            fontSize: 10,
            formatter: (p: { value: number[] }) => `${Math.round(p.value[2])}`,
          },
          itemStyle: { borderWidth: 1, borderColor: 'transparent' },
        },
      ],
    },
    cellOf: (p) => cellsOf(a)[shown[p.dataIndex]?.i] ?? null,
  };
}

// One colour for one label, at whatever step.
const hues = ['#2c9471', '#c98a1b', '#5b7bb0', '#b0607a', '#86983f', '#7d7a87', '#3a9bb0', '#b0643a'];

/** The flow from step to step. */
export function sankey(a: Answer): Plan {
  const key = (step: number, label: string) => `${step} ${label}`;
  const nodes = a.nodes ?? [];
  const links = a.links ?? [];
  const first = Math.min(...nodes.map((n) => n.step), 0);
  const placed = new Set(nodes.map((n) => key(n.step, n.label)));
  const flat = nodes.every((n) => n.step === nodes[0]?.step); // stages go to and fro: no flow from left to right
  if (flat) return { option: {}, cellOf: () => null };
  const labels = [...new Set(nodes.map((n) => n.label))];
  const used = links.filter((l) => placed.has(key(l.step, l.from)) && placed.has(key(l.step + 1, l.to)));
  return {
    option: {
      tooltip: { trigger: 'item' },
      series: [
        {
          type: 'sankey',
          left: 4,
          right: 110,
          top: 8,
          bottom: 8,
          nodeGap: 10,
          draggable: false,
          emphasis: { focus: 'adjacency' },
          data: nodes.map((n) => ({
            name: key(n.step, n.label),
            depth: n.step - first,
            value: n.people,
            itemStyle: { color: hues[labels.indexOf(n.label) % hues.length] },
          })),
          links: used.map((l) => ({ source: key(l.step, l.from), target: key(l.step + 1, l.to), value: l.people })),
          label: {
            formatter: (p: { name: string }) => p.name.replace(/^-?\d+ /, ''),
            overflow: 'truncate',
            width: 105,
          },
          lineStyle: { color: 'source', opacity: 0.25 },
        },
      ],
    },
    cellOf: (p) => ((p.dataType === 'edge' ? used[p.dataIndex]?.cell : nodes[p.dataIndex]?.cell) as Cell) ?? null,
  };
}

const segments: string[][] = [
  ['lost', 'lost', 'at_risk', 'at_risk', 'cannot_lose'],
  ['hibernating', 'hibernating', 'at_risk', 'at_risk', 'cannot_lose'],
  ['about_to_sleep', 'about_to_sleep', 'needs_attention', 'loyal', 'loyal'],
  ['promising', 'promising', 'potential_loyal', 'loyal', 'champions'],
  ['new', 'promising', 'potential_loyal', 'champions', 'champions'],
];

/** People by recency and by frequency and money, from an answer by score. */
export function rfm(a: Answer, w: Words, heat: Heat): Plan {
  const columns = columnsOf(a).map((c) => c.name);
  const [score, people] = ['score', 'people'].map((n) => columns.indexOf(n));
  const sums = segments.map((row) => row.map(() => 0));
  for (const r of rowsOf(a)) {
    const [rec, freq, money] = String(r[score]).split('').map(Number);
    sums[rec - 1][Math.floor((freq + money + 1) / 2) - 1] += Number(r[people]);
  }
  const data = sums.flatMap((row, y) => row.map((n, x) => [x, y, n]));
  const name = (d: number[]) => w.say(`seg_${segments[d[1]][d[0]]}`);
  return {
    option: {
      tooltip: {
        formatter: (p: { value: number[] }) => `${name(p.value)}\n${w.format(p.value[2])} ${w.say('people')}`,
      },
      grid: { left: 28, right: 8, top: 8, bottom: 28, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
      xAxis: {
        type: 'category',
        data: ['1', '2', '3', '4', '5'],
        name: w.say('freqMoney'),
        nameLocation: 'middle',
        nameGap: 24,
      },
      yAxis: {
        type: 'category',
        data: ['1', '2', '3', '4', '5'],
        name: w.say('recency'),
        nameLocation: 'middle',
        nameGap: 24,
      },
      visualMap: {
        show: false,
        min: 0,
        max: Math.max(1, ...data.map((d) => d[2])),
        inRange: { color: [heat.from, heat.to] },
      },
      series: [
        {
          type: 'heatmap',
          data,
          label: {
            show: true,
            fontSize: 11,
            lineHeight: 15,
            color: heat.ink,
            formatter: (p: { value: number[] }) => `${name(p.value)}\n${w.format(p.value[2])}`,
          },
        },
      ],
    },
    cellOf: (p) => {
      const d = data[p.dataIndex];
      return d ? { segment: segments[d[1]][d[0]] } : null;
    },
  };
}

/** What share the best bring, beside what they would bring if all were equal. */
export function concentration(a: Answer, w: Words): Plan {
  const columns = columnsOf(a).map((c) => c.name);
  const [percent, share] = ['percent', 'of_amount'].map((n) => columns.indexOf(n));
  const rows = rowsOf(a);
  return {
    option: {
      tooltip: { trigger: 'axis', valueFormatter: (v: unknown) => w.format(v, 'percent') },
      legend: { top: 0 },
      grid: { left: 8, right: 24, top: 36, bottom: 24, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
      xAxis: { type: 'value', min: 0, max: 100, name: w.say('bestPercent'), nameLocation: 'middle', nameGap: 24 },
      yAxis: { type: 'value', min: 0, max: 100 },
      series: [
        {
          type: 'line',
          name: w.say('ofAmount'),
          showSymbol: true,
          symbolSize: 7,
          areaStyle: { opacity: 0.08 },
          data: [[0, 0], ...rows.map((r) => [r[percent], r[share]])],
        },
        {
          type: 'line',
          name: w.say('even'),
          showSymbol: false,
          lineStyle: { type: 'dashed', width: 1 },
          data: [
            [0, 0],
            [100, 100],
          ],
        },
      ],
    },
    cellOf: (p) => (p.seriesIndex === 0 && p.dataIndex > 0 ? (cellsOf(a)[p.dataIndex - 1] ?? null) : null),
  };
}
