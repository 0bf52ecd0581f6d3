import '@mantine/core/styles.css';
import './console.css';
import { DirectionProvider, MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRouter, RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Problem } from './api';
import { Frame } from './frame';
import { Nowhere, Stumbled } from './parts/said';
import { root } from './root';
import { tree } from './sections';
import { LanguageProvider } from './settings';
import { theme } from './theme';

const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content;
// What holds the page still behind a dialog writes a style element, too, and looks for the nonce under this name.
Object.assign(globalThis, { __webpack_nonce__: nonce });
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (times, error) => !(error instanceof Problem && error.status >= 400 && error.status < 500) && times < 2,
    },
  },
});

root.update({ component: Frame, notFoundComponent: Nowhere });
const router = createRouter({ routeTree: tree, basepath: '/console', defaultErrorComponent: Stumbled });

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
