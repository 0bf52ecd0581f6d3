import { useLanguage } from '../settings';
import { Behind } from './bars';

interface CurveProps {
  /** What the curve says, in a sentence: for those who cannot see it. */
  summary: string;
  /** Points from left to right, both in percent; it begins at nothing. */
  points: [x: number, y: number][];
  /** What stands below the axis. */
  under: string;
  height?: number;
  table: { head: string[]; rows: (string | number)[][] };
}

/** What part has what share, beside the line where all have the same; drawn without the library that draws charts. */
export function Curve({ summary, points, under, height = 170, table }: CurveProps) {
  const { percent } = useLanguage();
  const line = [[0, 0], ...points].map(([x, y]) => `${x},${100 - y}`).join(' ');
  return (
    <div>
      <div className="bars" role="img" aria-label={summary} dir="ltr" style={{ height }}>
        {[0, 25, 50, 75, 100].map((y) => (
          <div key={y} className="bars-mark" style={{ bottom: `${y}%` }}>
            <bdi>{percent(y / 100)}</bdi>
          </div>
        ))}
        <svg className="curve" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
          <polygon points={`${line} ${points.at(-1)?.[0] ?? 0},100`} />
          <polyline data-even points="0,100 100,0" />
          <polyline points={line} />
        </svg>
      </div>
      <div className="curve-ends" dir="ltr" aria-hidden="true">
        <bdi>{percent(0)}</bdi>
        <bdi>{under}</bdi>
        <bdi>{percent(1)}</bdi>
      </div>
      <Behind {...table} />
    </div>
  );
}
