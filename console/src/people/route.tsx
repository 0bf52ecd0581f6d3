import { IconSettings } from '@tabler/icons-react';
import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { listSearch } from '../parts/search';
import { root } from '../root';

const getParentRoute = () => root;

const first = createRoute({
  getParentRoute,
  path: '/settings',
  beforeLoad: () => {
    throw redirect({ to: '/settings/about' });
  },
});
const people = createRoute({
  getParentRoute,
  staticData: { right: 'govern' },
  path: '/settings/people',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./people'), 'People'),
});
const tokens = createRoute({
  getParentRoute,
  staticData: { right: 'govern' },
  path: '/settings/tokens',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./tokens'), 'Tokens'),
});
const about = createRoute({
  getParentRoute,
  path: '/settings/about',
  component: lazyRouteComponent(() => import('./about'), 'About'),
});
const password = createRoute({
  getParentRoute,
  path: '/settings/password',
  component: lazyRouteComponent(() => import('./password'), 'Password'),
});

export const settings = {
  entry: { word: 'settings' as const, icon: IconSettings, to: '/settings' },
  routes: [first, people, tokens, about, password] as const,
};
