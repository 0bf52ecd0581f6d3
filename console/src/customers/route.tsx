import { IconUsers } from '@tabler/icons-react';
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { root } from '../root';

const at = { getParentRoute: () => root, staticData: { right: 'people' as const } };
const list = createRoute({
  ...at,
  path: '/customers',
  validateSearch: (s: Record<string, unknown>): { q?: string } => ({ q: s.q ? String(s.q) : undefined }),
  component: lazyRouteComponent(() => import('./list'), 'Customers'),
});
const one = createRoute({
  ...at,
  path: '/customers/$namespace/$value',
  validateSearch: (s: Record<string, unknown>): { show?: 'identity' } => ({
    show: s.show === 'identity' ? 'identity' : undefined,
  }),
  component: lazyRouteComponent(() => import('./customer'), 'Customer'),
});

const agent = createRoute({
  ...at,
  path: '/customers/$namespace/$value/agent',
  component: lazyRouteComponent(() => import('./agent'), 'Agent'),
});
const till = createRoute({
  ...at,
  path: '/till',
  validateSearch: (s: Record<string, unknown>): { id?: string } => ({ id: s.id ? String(s.id) : undefined }),
  component: lazyRouteComponent(() => import('./till'), 'Till'),
});

export const customers = {
  entry: { word: 'customers' as const, icon: IconUsers, to: '/customers', right: 'people' as const },
  routes: [list, one, agent, till] as const,
};
