import { Box, Skeleton } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { Behind } from './bars';
import type { Drawing } from './drawn';

const Drawn = lazy(() => import('./drawn'));

interface ChartProps extends Drawing {
  /** What the chart says, in a sentence: for those who cannot see it. */
  summary: string;
  height?: number;
  /** Scrolled sideways where the window is narrower. */
  minWidth?: number;
  /** The numbers behind it, to be unfolded: a head and rows. */
  table?: { head: string[]; rows: (string | number)[][] };
}

/** One chart. The library that draws it is loaded with the first one. */
export function Chart({ summary, height = 260, minWidth, table, ...drawing }: ChartProps) {
  return (
    <div>
      <Box style={{ overflowX: minWidth ? 'auto' : undefined }} tabIndex={minWidth ? 0 : undefined}>
        <Box h={height} miw={minWidth} role="img" aria-label={summary} dir="ltr">
          <Suspense fallback={<Skeleton h={height} data-drawing />}>
            <Drawn {...drawing} />
          </Suspense>
        </Box>
      </Box>
      {table && <Behind {...table} />}
    </div>
  );
}
