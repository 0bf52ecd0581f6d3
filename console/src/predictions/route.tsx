import { IconChartDots } from '@tabler/icons-react';
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { listSearch } from '../parts/search';
import { root } from '../root';

const at = { getParentRoute: () => root };
const list = createRoute({
  ...at,
  path: '/predictions',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./list'), 'Predictions'),
});
const one = createRoute({
  ...at,
  path: '/predictions/$name',
  validateSearch: (s: Record<string, unknown>): { version?: number } => ({
    version: Number(s.version) > 0 ? Number(s.version) : undefined,
  }),
  component: lazyRouteComponent(() => import('./one'), 'Model'),
});

export const predictions = {
  entry: { word: 'predictions' as const, icon: IconChartDots, to: '/predictions' },
  routes: [list, one] as const,
};
