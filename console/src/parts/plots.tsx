// What is neither bars over time nor lines: rows by length, maps of heat, flows.
import type { CSSProperties } from 'react';
import { Scroll } from './page';

interface RowsProps {
  summary: string;
  rows: { label: string; value: number; written: string; pick?: number }[];
}

/** Bars that lie below each other, each with its label and its value. */
export function Rows({ summary, rows }: RowsProps) {
  const most = Math.max(...rows.map((r) => Math.abs(r.value)), 1e-9);
  return (
    <div className="lengths" role="img" aria-label={summary}>
      {rows.map((r) => (
        <div key={r.label} className="length" data-pick={r.pick} title={`${r.label}: ${r.written}`}>
          <span className="length-label">
            <bdi>{r.label}</bdi>
          </span>
          <span className="length-value">
            <i
              className="length-bar"
              data-of={r.value < 0 ? 1 : 0}
              style={{ width: `${(Math.abs(r.value) / most) * 100}%` }}
            />
            <bdi>{r.written}</bdi>
          </span>
        </div>
      ))}
    </div>
  );
}

interface HeatProps {
  summary: string;
  across: string[];
  down: string[];
  /** What is measured from left to right, and from top to bottom. */
  names: [across: string, down: string];
  /** By the places in across and down; heat is between 0 and 1. */
  cells: { x: number; y: number; heat: number; text: string; title: string; pick?: number }[];
}

/** A map: the darker, the more. */
export function Heat({ summary, across, down, names, cells }: HeatProps) {
  const at = new Map(cells.map((c) => [`${c.x} ${c.y}`, c]));
  return (
    <Scroll>
      <table className="heat" dir="ltr" aria-label={summary}>
        <thead>
          <tr>
            <th className="heat-name" data-corner>
              <bdi>{names[1]}</bdi>
            </th>
            <th className="heat-name" colSpan={across.length}>
              <bdi>{names[0]}</bdi>
            </th>
          </tr>
          <tr>
            <td />
            {across.map((a) => (
              <th key={a} className="heat-name" scope="col" style={{ width: `${100 / across.length}%` }}>
                {a}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {down.map((d, y) => (
            <tr key={d}>
              <th className="heat-name" data-row scope="row">
                {d}
              </th>
              {across.map((a, x) => {
                const c = at.get(`${x} ${y}`);
                return c ? (
                  <td
                    key={a}
                    className="heat-cell"
                    data-pick={c.pick}
                    title={c.title}
                    style={{ '--heat': `${Math.round(c.heat * 100)}%` } as CSSProperties}
                  >
                    {c.text}
                  </td>
                ) : (
                  <td key={a} />
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

interface Node {
  step: number;
  label: string;
  size: number;
  title: string;
  pick?: number;
}

interface Link {
  /** Places in the nodes. */
  from: number;
  to: number;
  size: number;
  title: string;
  pick?: number;
}

export interface FlowProps {
  summary: string;
  nodes: Node[];
  links: Link[];
  height?: number;
}

/** Where each node and each link of a flow lies: top and height, links at both ends, in the unit of height. */
export function placed(nodes: Node[], links: Link[], height: number, gap = 14) {
  const steps = [...new Set(nodes.map((n) => n.step))].sort((a, b) => a - b);
  const columns = steps.map((s) => nodes.flatMap((n, i) => (n.step === s ? [i] : [])));
  const room = (c: number[]) =>
    (height - gap * (c.length - 1)) /
    Math.max(
      1e-9,
      c.reduce((n, i) => n + nodes[i].size, 0),
    );
  const unit = Math.min(...columns.map(room));
  const top: number[] = nodes.map(() => 0);
  const middle = (i: number) => top[i] + (nodes[i].size * unit) / 2;
  /** Where what leads to a node lies, by its weight. */
  const pulled = (i: number) => {
    const into = links.filter((l) => l.to === i);
    const weight = into.reduce((n, l) => n + l.size, 0);
    return weight > 0 ? Math.round(into.reduce((n, l) => n + middle(l.from) * l.size, 0) / weight) : height;
  };
  for (const column of columns) {
    const pull = new Map(column.map((i) => [i, pulled(i)]));
    column.sort((a, b) => (pull.get(a) ?? 0) - (pull.get(b) ?? 0) || nodes[b].size - nodes[a].size);
    let y = 0;
    for (const i of column) {
      top[i] = y;
      y += nodes[i].size * unit + gap;
    }
  }
  const ends = links.map(() => ({ from: 0, to: 0 }));
  nodes.forEach((_, i) => {
    for (const [end, other] of [
      ['from', 'to'],
      ['to', 'from'],
    ] as const) {
      let y = top[i];
      const mine = links.flatMap((l, j) => (l[end] === i ? [j] : []));
      mine.sort((a, b) => top[links[a][other]] - top[links[b][other]]);
      for (const j of mine) {
        ends[j][end] = y;
        y += links[j].size * unit;
      }
    }
  });
  return { steps, top, unit, ends };
}

/** How many went from what to what, from left to right. */
export function Flow({ summary, nodes, links, height = 440 }: FlowProps) {
  const { steps, top, unit, ends } = placed(nodes, links, height);
  const labels = [...new Set(nodes.map((n) => n.label))];
  const hue = (i: number) => labels.indexOf(nodes[i].label) % 8;
  const wide = 1.4;
  const left = (i: number) => (steps.indexOf(nodes[i].step) / steps.length) * 100;
  return (
    <Scroll>
      <div className="flow" dir="ltr" role="img" aria-label={summary} style={{ height }}>
        <svg className="flow-all" viewBox={`0 0 100 ${height}`} preserveAspectRatio="none" aria-hidden="true">
          {links.map((l, j) => {
            const [x, z, h] = [left(l.from) + wide, left(l.to), Math.max(l.size * unit, 0.5)];
            const [a, b, m] = [ends[j].from, ends[j].to, (left(l.from) + wide + left(l.to)) / 2];
            return (
              <path
                className="flow-link"
                key={`${l.from} ${l.to}`}
                data-of={hue(l.from)}
                data-pick={l.pick}
                d={`M${x},${a} C${m},${a} ${m},${b} ${z},${b} V${b + h} C${m},${b + h} ${m},${a + h} ${x},${a + h} Z`}
              >
                <title>{l.title}</title>
              </path>
            );
          })}
          {nodes.map((n, i) => (
            <rect
              className="flow-node"
              key={`${n.step} ${n.label}`}
              data-of={hue(i)}
              data-pick={n.pick}
              x={left(i)}
              y={top[i]}
              width={wide}
              height={Math.max(n.size * unit, 1)}
            >
              <title>{n.title}</title>
            </rect>
          ))}
        </svg>
        {nodes.map((n, i) => (
          <bdi
            key={`${n.step} ${n.label}`}
            className="flow-label"
            title={n.title}
            style={{
              left: `${left(i) + wide}%`,
              top: top[i] + (n.size * unit) / 2,
              maxWidth: `${100 / steps.length - wide}%`,
            }}
          >
            {n.label}
          </bdi>
        ))}
      </div>
    </Scroll>
  );
}
