import { IconUsersGroup } from '@tabler/icons-react';
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { listSearch } from '../parts/search';
import { root } from '../root';

const at = { getParentRoute: () => root };
const making = { ...at, staticData: { right: 'audiences' as const } };
const list = createRoute({
  ...at,
  path: '/audiences',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./list'), 'Audiences'),
});
const build = createRoute({
  ...making,
  path: '/audiences/new',
  // A definition to begin with, from another page.
  validateSearch: (s: Record<string, unknown>): { where?: object } => ({
    where: s.where && typeof s.where === 'object' ? s.where : undefined,
  }),
  component: lazyRouteComponent(() => import('./build'), 'Build'),
});
const upload = createRoute({
  ...making,
  path: '/audiences/file',
  validateSearch: (s: Record<string, unknown>): { name?: string } => ({ name: s.name ? String(s.name) : undefined }),
  component: lazyRouteComponent(() => import('./file'), 'FromFile'),
});
const sql = createRoute({
  ...at,
  staticData: { right: 'export' }, // SQL that nothing is masked in
  path: '/audiences/sql',
  validateSearch: (s: Record<string, unknown>): { query?: string } => ({
    query: s.query ? String(s.query) : undefined,
  }),
  component: lazyRouteComponent(() => import('./sql'), 'FromSql'),
});
const one = createRoute({
  ...at,
  path: '/audiences/of/$name',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./one'), 'Audience'),
});
const change = createRoute({
  ...making,
  path: '/audiences/of/$name/change',
  component: lazyRouteComponent(() => import('./change'), 'Change'),
});

export const audiences = {
  entry: { word: 'audiences' as const, icon: IconUsersGroup, to: '/audiences' },
  routes: [list, build, upload, sql, one, change] as const,
};
