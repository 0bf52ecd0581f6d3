import { IconShieldLock } from '@tabler/icons-react';
import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { listSearch } from '../parts/search';
import { root } from '../root';

const at = { getParentRoute: () => root };
const start = createRoute({
  ...at,
  path: '/privacy',
  beforeLoad: () => {
    throw redirect({ to: '/privacy/consent' });
  },
});
const consent = createRoute({
  ...at,
  staticData: { right: 'figures' },
  path: '/privacy/consent',
  component: lazyRouteComponent(() => import('./consent'), 'ConsentPage'),
});
const requests = createRoute({
  ...at,
  staticData: { right: 'govern' },
  path: '/privacy/requests',
  component: lazyRouteComponent(() => import('./requests'), 'Requests'),
});
const retention = createRoute({
  ...at,
  staticData: { right: 'govern' },
  path: '/privacy/retention',
  component: lazyRouteComponent(() => import('./retention'), 'RetentionPage'),
});
const audit = createRoute({
  ...at,
  staticData: { right: 'govern' },
  path: '/privacy/audit',
  validateSearch: (s: Record<string, unknown>) => ({
    ...listSearch(s),
    person: s.person ? String(s.person) : undefined,
  }),
  component: lazyRouteComponent(() => import('./audit'), 'AuditLog'),
});

export const privacy = {
  entry: { word: 'privacy' as const, icon: IconShieldLock, to: '/privacy', right: 'govern' as const },
  routes: [start, consent, requests, retention, audit] as const,
};
