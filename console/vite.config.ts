import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The build goes to where the program takes its files from (internal/console). While developing, a running
// server is asked for everything but the pages.
const server = process.env.SERVER ?? 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/console/',
  plugins: [react()],
  // light-dark() is kept as it is written: every browser has it since May 2024.
  build: {
    outDir: '../internal/console/built/dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
  },
  server: { proxy: { '/api': server, '/console/session': server } },
});
