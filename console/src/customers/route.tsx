import { IconUsers } from '@tabler/icons-react';
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { root } from '../root';

const list = createRoute({
  getParentRoute: () => root,
  path: '/customers',
  validateSearch: (s: Record<string, unknown>): { q?: string } => ({ q: s.q ? String(s.q) : undefined }),
  component: lazyRouteComponent(() => import('./list'), 'Customers'),
});
const one = createRoute({
  getParentRoute: () => root,
  path: '/customers/$namespace/$value',
  component: lazyRouteComponent(() => import('./customer'), 'Customer'),
});

export const customers = {
  entry: { word: 'customers' as const, icon: IconUsers, to: '/customers' },
  routes: [list, one] as const,
};
