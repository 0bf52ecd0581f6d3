import { createRootRoute } from '@tanstack/react-router';
import type { Right } from './rights';

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    /** Who has not this right is told so in the place of the page, and is not led to it. */
    right?: Right;
  }
}

/** What every section's routes hang from; the frame is put into it by main.tsx. */
export const root = createRootRoute();
