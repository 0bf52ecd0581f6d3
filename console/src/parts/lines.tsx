import { useLanguage } from '../settings';
import { Marks, Names } from './bars';
import { scale } from './rows';

/** A point of a line; a line has a gap where y is null. */
export interface Point {
  x: number;
  y: number | null;
  /** What is told of it when it is pointed at. */
  title?: string;
  pick?: number;
}

export interface LinesProps {
  /** What the lines say, in a sentence: for those who cannot see them. */
  summary: string;
  lines: { name: string; points: Point[]; dashed?: boolean }[];
  /** What stands below, and where. */
  ticks: { x: number; label: string }[];
  /** The right end of the axis; the left one is 0. */
  end: number;
  /** Shares: the axis goes up to 100 percent. */
  percent?: (share: number) => string;
  /** What is measured from left to right. */
  under?: string;
  height?: number;
}

const dots = 400;

/** Lines from left to right, one for each name; what is below the first is shaded where there are only shares. */
export function Lines({ summary, lines, ticks, end, percent, under, height = 240 }: LinesProps) {
  const { short } = useLanguage();
  const { marks, at } = percent
    ? { marks: [0, 25, 50, 75, 100], at: (v: number) => v }
    : scale(lines.flatMap((l) => l.points.flatMap((p) => p.y ?? [])));
  const left = (x: number) => (end > 0 ? (x / end) * 100 : 50);
  const dotted = lines.reduce((n, l) => n + l.points.length, 0) <= dots;
  const spaced = Math.ceil(ticks.length / 13);
  const long = ticks.some((t) => t.label.length > 5);
  return (
    <div>
      {lines.length > 1 && <Names of={lines.map((l) => l.name)} />}
      <div className="bars" role="img" aria-label={summary} dir="ltr" style={{ height }}>
        <Marks of={marks} at={at} write={percent ? (m) => percent(m / 100) : short} />
        <svg className="lines" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
          {percent && (
            <polygon
              points={`${lines[0].points.map((p) => `${left(p.x)},${100 - at(p.y ?? 0)}`).join(' ')} ${left(lines[0].points.at(-1)?.x ?? 0)},100`}
            />
          )}
          {lines.map((l, i) => (
            <g key={l.name} data-of={i} data-dashed={l.dashed}>
              {pieces(l.points).map((piece) => (
                <polyline
                  key={piece[0].x}
                  points={piece.map((p) => `${left(p.x).toFixed(2)},${(100 - at(p.y ?? 0)).toFixed(2)}`).join(' ')}
                />
              ))}
            </g>
          ))}
        </svg>
        {dotted &&
          lines.map((l, i) =>
            l.points.map(
              (p) =>
                p.y !== null &&
                p.title && (
                  <span
                    key={`${l.name} ${p.x}`}
                    className="dot"
                    data-of={i}
                    data-pick={p.pick}
                    title={p.title}
                    style={{ left: `${left(p.x)}%`, bottom: `${at(p.y)}%` }}
                  />
                ),
            ),
          )}
        {ticks
          .filter((_, i) => i % spaced === 0)
          .map((t, i) => (
            <bdi key={t.x} className="tick" data-nth={long ? i % 4 : undefined} style={{ left: `${left(t.x)}%` }}>
              {t.label}
            </bdi>
          ))}
      </div>
      {under && <div className="under">{under}</div>}
    </div>
  );
}

/** The parts of a line between its gaps. */
function pieces(points: Point[]): Point[][] {
  const out: Point[][] = [[]];
  for (const p of points) {
    if (p.y !== null) out.at(-1)?.push(p);
    else if (out.at(-1)?.length) out.push([]);
  }
  return out.filter((piece) => piece.length > 0);
}

/** Marks of an axis of shares. */
export const shares = (percent: (share: number) => string) =>
  [0, 20, 40, 60, 80, 100].map((x) => ({ x, label: percent(x / 100) }));
