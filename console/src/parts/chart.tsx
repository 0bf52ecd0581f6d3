import type { ReactNode } from 'react';
import { Bars } from './bars';
import { Lines } from './lines';
import { Flow, Heat, Rows } from './plots';

type Without<C extends (props: never) => ReactNode> = Omit<Parameters<C>[0], 'summary'>;

/** What is drawn. Parts that lead somewhere have a number, their pick. */
export type Plot =
  | ({ kind: 'bars' } & Without<typeof Bars>)
  | ({ kind: 'lines' } & Without<typeof Lines>)
  | ({ kind: 'rows' } & Without<typeof Rows>)
  | ({ kind: 'heat' } & Without<typeof Heat>)
  | ({ kind: 'flow' } & Without<typeof Flow>);

interface ChartProps {
  plot: Plot;
  /** What the chart says, in a sentence: for those who cannot see it. */
  summary: string;
  /** What is measured, with its unit. */
  unit?: string;
  onPick?: (pick: number) => void;
}

/** One chart, of any kind. */
export function Chart({ plot, summary, unit, onPick }: ChartProps) {
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: every number is a button of the table below, too
    // biome-ignore lint/a11y/useKeyWithClickEvents: likewise
    <div
      className={onPick && 'picks'}
      onClick={(e) => {
        const pick = (e.target as Element).closest('[data-pick]')?.getAttribute('data-pick');
        if (pick) onPick?.(Number(pick));
      }}
    >
      {unit && (
        <div className="unit">
          <bdi>{unit}</bdi>
        </div>
      )}
      {plot.kind === 'bars' && <Bars {...plot} summary={summary} />}
      {plot.kind === 'lines' && <Lines {...plot} summary={summary} />}
      {plot.kind === 'rows' && <Rows {...plot} summary={summary} />}
      {plot.kind === 'heat' && <Heat {...plot} summary={summary} />}
      {plot.kind === 'flow' && <Flow {...plot} summary={summary} />}
    </div>
  );
}
