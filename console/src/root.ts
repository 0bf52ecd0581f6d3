import { createRootRoute } from '@tanstack/react-router';

/** What every section's routes hang from; the frame is put into it by main.tsx. */
export const root = createRootRoute();
