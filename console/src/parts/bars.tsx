import { useLanguage } from '../settings';
import { ticks } from './rows';

interface BarsProps {
  /** What the bars say, in a sentence: for those who cannot see them. */
  summary: string;
  rows: { label: string; value: number; less?: number }[];
  /** What goes up and what goes down, where something does. */
  names?: [up: string, down: string];
  /** How a value is written at a bar. */
  write: (value: number, less?: number) => string;
  /** How many rows a label stands for. */
  every?: number;
  height?: number;
  table: { head: string[]; rows: (string | number)[][] };
}

/**
 * Bars over time without the library that draws charts, which is three times as large as this page: for pages that
 * have to be there at once.
 */
export function Bars({ summary, rows, names, write, every = 7, height = 170, table }: BarsProps) {
  const { short } = useLanguage();
  const [most, least] = [Math.max(...rows.map((r) => r.value), 0), Math.max(...rows.map((r) => r.less ?? 0), 0)];
  const step = ticks(Math.max(most, least))[1];
  const [up, down] = [Math.ceil(most / step) || (least > 0 ? 0 : 1), Math.ceil(least / step)];
  const marks = Array.from({ length: up + down + 1 }, (_, i) => Number(((i - down) * step).toPrecision(12)));
  const share = (v: number) => `${(v / ((up + down) * step)) * 100}%`;
  const zero = share(down * step);
  return (
    <div>
      {names && (
        <div className="bars-names" aria-hidden>
          {names.map((n, i) => (
            <span key={n} data-less={i === 1 || undefined}>
              {n}
            </span>
          ))}
        </div>
      )}
      <div className="bars" role="img" aria-label={summary} dir="ltr" style={{ height }}>
        {marks.map((m) => (
          <div key={m} className="bars-mark" style={{ bottom: share(m + down * step) }}>
            <bdi>{short(Math.abs(m))}</bdi>
          </div>
        ))}
        <div className="bars-row">
          {rows.map((r, i) => (
            <div key={r.label} className="bar" title={`${r.label}: ${write(r.value, r.less)}`}>
              <div style={{ bottom: zero, height: share(Math.max(r.value, 0)) }} />
              {r.less ? <div data-less style={{ top: share(up * step), height: share(r.less) }} /> : null}
              {i % every === 0 && rows.length - i > every / 2 && (
                <bdi data-other={(i / every) % 2 === 1 || undefined}>{r.label}</bdi>
              )}
            </div>
          ))}
        </div>
      </div>
      <Behind {...table} />
    </div>
  );
}

/** The numbers behind a chart, to be unfolded. */
export function Behind({ head, rows }: BarsProps['table']) {
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
