import { useLanguage } from '../settings';
import { ticks } from './rows';

interface BarsProps {
  /** What the bars say, in a sentence: for those who cannot see them. */
  summary: string;
  rows: { label: string; value: number }[];
  /** How a value is written at a bar. */
  write: (value: number) => string;
  /** How many rows a label stands for. */
  every?: number;
  height?: number;
  table: { head: string[]; rows: (string | number)[][] };
}

/**
 * Bars over time without the library that draws charts, which is three times as large as this page: for pages that
 * have to be there at once.
 */
export function Bars({ summary, rows, write, every = 7, height = 170, table }: BarsProps) {
  const { short } = useLanguage();
  const marks = ticks(Math.max(...rows.map((r) => r.value), 0));
  const top = marks[marks.length - 1];
  return (
    <div>
      <div className="bars" role="img" aria-label={summary} dir="ltr" style={{ height }}>
        {marks.map((m) => (
          <div key={m} className="bars-mark" style={{ bottom: `${(m / top) * 100}%` }}>
            <bdi>{short(m)}</bdi>
          </div>
        ))}
        <div className="bars-row">
          {rows.map((r, i) => (
            <div key={r.label} className="bar" title={`${r.label}: ${write(r.value)}`}>
              <div style={{ height: `${(Math.max(r.value, 0) / top) * 100}%` }} />
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
