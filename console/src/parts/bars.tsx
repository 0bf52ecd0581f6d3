import { useLanguage } from '../settings';
import { scale } from './rows';

interface BarsProps {
  /** What the bars say, in a sentence: for those who cannot see them. */
  summary: string;
  /** beside stands beside the value, less goes down from nothing, note is written above. */
  rows: { label: string; value: number; beside?: number; less?: number; note?: string; pick?: number }[];
  /** What the value is, and what stands beside it or goes down. */
  names?: [first: string, second: string];
  /** How a value is written at a bar. */
  write: (value: number, other?: number) => string;
  /** How many rows a label stands for. */
  every?: number;
  height?: number;
  table?: TableProps;
}

interface TableProps {
  head: string[];
  rows: (string | number)[][];
}

/** Bars from left to right, mostly over time. */
export function Bars({ summary, rows, names, write, every = 7, height = 170, table }: BarsProps) {
  const { marks, at } = scale(rows.flatMap((r) => [r.value, r.beside ?? 0, -(r.less ?? 0)]));
  const zero = at(0);
  const bar = (v: number, more?: object) => ({
    ...more,
    style: { bottom: `${Math.min(zero, at(v))}%`, height: `${Math.abs(at(v) - zero)}%` },
  });
  return (
    <div>
      {names && <Names of={names} />}
      <div className="bars" role="img" aria-label={summary} dir="ltr" style={{ height }}>
        <Marks of={marks} at={at} />
        <div className="bars-row">
          {rows.map((r, i) => (
            <div
              key={r.label}
              className="bar"
              data-pick={r.pick}
              data-pair={r.beside === undefined ? undefined : ''}
              title={`${r.label}: ${write(r.value, r.beside ?? r.less)}`}
            >
              <div {...bar(r.value)}>{r.note && <bdi>{r.note}</bdi>}</div>
              {r.less ? <div {...bar(-r.less, { 'data-of': 1 })} /> : null}
              {r.beside !== undefined && <div {...bar(r.beside, { 'data-of': 1 })} />}
              {i % every === 0 && (i === 0 || rows.length - i > every / 2) && (
                <bdi data-nth={(i / every) % 4}>{r.label}</bdi>
              )}
            </div>
          ))}
        </div>
      </div>
      {table && <Behind {...table} />}
    </div>
  );
}

/** The lines across a chart, with what they stand for. */
export function Marks({ of, at, write }: { of: number[]; at: (v: number) => number; write?: (v: number) => string }) {
  const { short } = useLanguage();
  return of.map((m) => (
    <div key={m} className="bars-mark" style={{ bottom: `${at(m)}%` }}>
      <bdi>{write ? write(m) : short(Math.abs(m))}</bdi>
    </div>
  ));
}

/** Which colour is what. */
export function Names({ of }: { of: readonly string[] }) {
  return (
    <div className="bars-names" aria-hidden>
      {of.map((n, i) => (
        <span key={n} data-of={i}>
          <bdi>{n}</bdi>
        </span>
      ))}
    </div>
  );
}

/** The numbers behind a chart, to be unfolded. */
export function Behind({ head, rows }: TableProps) {
  const { say } = useLanguage();
  return (
    <details className="behind">
      <summary>{say('asTable')}</summary>
      <table>
        <thead>
          <tr>
            {head.map((h) => (
              <th key={h}>{h}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((r) => (
            <tr key={r.join('|')}>
              {r.map((v, i) => (
                <td key={head[i]}>{v}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
