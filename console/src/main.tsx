import '@mantine/core/styles.css';
import './console.css';
import { DirectionProvider, MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  RouterProvider,
  redirect,
} from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Problem } from './api';
import { Frame } from './frame';
import { LanguageProvider } from './settings';
import { theme } from './theme';

const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content;
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (times, error) => !(error instanceof Problem && error.status < 500) && times < 2,
    },
  },
});

const root = createRootRoute({ component: Frame });
const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/customers', search: { q: '' } });
  },
});
const customers = createRoute({
  getParentRoute: () => root,
  path: '/customers',
  validateSearch: (s: Record<string, unknown>) => ({ q: s.q === undefined ? '' : String(s.q) }),
  component: lazyRouteComponent(() => import('./customers'), 'Customers'),
});
const customer = createRoute({
  getParentRoute: () => root,
  path: '/customers/$namespace/$value',
  component: lazyRouteComponent(() => import('./customer'), 'Customer'),
});

const router = createRouter({ routeTree: root.addChildren([home, customers, customer]), basepath: '/console' });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

const place = document.getElementById('root');
if (!place) throw new Error('the page has no root');
createRoot(place).render(
  <StrictMode>
    <DirectionProvider>
      <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce ?? ''}>
        <QueryClientProvider client={queries}>
          <LanguageProvider>
            <RouterProvider router={router} />
          </LanguageProvider>
        </QueryClientProvider>
      </MantineProvider>
    </DirectionProvider>
  </StrictMode>,
);
