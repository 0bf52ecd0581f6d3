import { IconChartBar } from '@tabler/icons-react';
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { listSearch } from '../parts/search';
import { root } from '../root';
import type { Question } from './question';

const at = { getParentRoute: () => root };
const ask = createRoute({
  ...at,
  path: '/explore',
  validateSearch: (s: Record<string, unknown>): { q?: Question } => ({
    q: s.q && typeof s.q === 'object' ? (s.q as Question) : undefined,
  }),
  component: lazyRouteComponent(() => import('./explore'), 'Explore'),
});
const sql = createRoute({
  ...at,
  staticData: { right: 'sql' },
  path: '/explore/sql',
  validateSearch: (s: Record<string, unknown>): { sql?: string } => ({ sql: s.sql ? String(s.sql) : undefined }),
  component: lazyRouteComponent(() => import('./sql'), 'Sql'),
});
const dashboards = createRoute({
  ...at,
  path: '/explore/dashboards',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./dashboards'), 'Dashboards'),
});
const dashboard = createRoute({
  ...at,
  path: '/explore/dashboards/$name',
  component: lazyRouteComponent(() => import('./dashboard'), 'Dashboard'),
});
const goals = createRoute({
  ...at,
  path: '/explore/goals',
  component: lazyRouteComponent(() => import('./goals'), 'Goals'),
});
const board = createRoute({
  ...at,
  path: '/explore/board',
  component: lazyRouteComponent(() => import('./board'), 'Board'),
});

export const explore = {
  entry: { word: 'explore' as const, icon: IconChartBar, to: '/explore' },
  routes: [ask, sql, dashboards, dashboard, goals, board] as const,
};
