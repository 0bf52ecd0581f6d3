import { IconDatabase } from '@tabler/icons-react';
import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { listSearch } from '../parts/search';
import { root } from '../root';

const at = { getParentRoute: () => root };
const text = (v: unknown) => (v ? String(v) : undefined);

const start = createRoute({
  ...at,
  path: '/data',
  beforeLoad: () => {
    throw redirect({ to: '/data/sources' });
  },
});
const sources = createRoute({
  ...at,
  path: '/data/sources',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./sources'), 'Sources'),
});
const live = createRoute({
  ...at,
  staticData: { right: 'records' },
  path: '/data/live',
  validateSearch: (s: Record<string, unknown>): { source?: string; outcome?: string } => ({
    source: text(s.source),
    outcome: text(s.outcome),
  }),
  component: lazyRouteComponent(() => import('./live'), 'Live'),
});
const quarantine = createRoute({
  ...at,
  staticData: { right: 'records' },
  path: '/data/quarantine',
  validateSearch: (s: Record<string, unknown>): { source?: string; text?: string; dropped?: boolean } => ({
    source: text(s.source),
    text: text(s.text),
    dropped: s.dropped === true ? true : undefined,
  }),
  component: lazyRouteComponent(() => import('./quarantine'), 'QuarantinePage'),
});
const quality = createRoute({
  ...at,
  path: '/data/quality',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./quality'), 'Quality'),
});
const identity = createRoute({
  ...at,
  path: '/data/identity',
  component: lazyRouteComponent(() => import('./identity'), 'IdentityRules'),
});
const reviews = createRoute({
  ...at,
  staticData: { right: 'people' },
  path: '/data/reviews',
  validateSearch: (s: Record<string, unknown>): { state?: string; q?: string } => ({
    state: text(s.state),
    q: text(s.q),
  }),
  component: lazyRouteComponent(() => import('./reviews'), 'Reviews'),
});

export const data = {
  entry: { word: 'data' as const, icon: IconDatabase, to: '/data' },
  routes: [start, sources, live, quarantine, quality, identity, reviews] as const,
};
