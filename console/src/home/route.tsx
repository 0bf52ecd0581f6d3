import { IconHome } from '@tabler/icons-react';
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { root } from '../root';

const page = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./home'), 'Home'),
});

export const home = {
  entry: { word: 'home' as const, icon: IconHome, to: '/' },
  routes: [page] as const,
};
