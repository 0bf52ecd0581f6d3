// Journeys through the console in a real browser, against a running program with the demo shop. The Go test
// e2e/console_test.go starts it and calls this with URL and TOKEN.
import { defineConfig } from '@playwright/test';

declare const process: { env: Record<string, string | undefined> };
const { URL: server, CHROMIUM = '/usr/bin/chromium', OUT = 'test-results' } = process.env;

export default defineConfig({
  testDir: '.',
  // Two at a time: the pages, which change nothing, beside what people do, one after the other, as what they do may be
  // seen by others.
  projects: [
    { name: 'pages', testMatch: 'pages.journey.ts' },
    { name: 'journeys', testMatch: '*.journey.ts', testIgnore: 'pages.journey.ts', workers: 1 },
  ],
  outputDir: OUT,
  workers: 2,
  fullyParallel: false,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    baseURL: `${server}/console/`,
    locale: 'en-US',
    timezoneId: 'UTC',
    viewport: { width: 1280, height: 860 },
    actionTimeout: 15_000,
    screenshot: 'only-on-failure',
    launchOptions: { executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] },
  },
});
