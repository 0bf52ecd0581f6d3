// Walks through every page of a running server, writes a picture of each into OUT, and fails on what axe finds
// serious, on messages in the browser's console, and on requests to other servers.
import AxeBuilder from '@axe-core/playwright';
import { chromium } from '@playwright/test';

const { TOKEN, URL: server = 'http://127.0.0.1:8080', OUT = 'pictures', CHROMIUM = '/usr/bin/chromium' } = process.env;
const wrong = [];
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
const page = await (await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: 'en-US' })).newPage();
page.setDefaultTimeout(10_000);
page.on('pageerror', (e) => wrong.push(`error: ${e.message}`));
page.on('console', (m) => {
  // Before signing in the session is asked for and is not there, which the browser reports.
  if (m.type() === 'error' && !m.location().url.endsWith('/console/session')) wrong.push(`console: ${m.text()}`);
});
page.on('request', (r) => {
  if (!r.url().startsWith(`${server}/`) && !r.url().startsWith('data:')) wrong.push(`another server: ${r.url()}`);
});

async function look(name) {
  await page.waitForTimeout(400); // transitions of colours and menus end
  await page.screenshot({ path: `${OUT}/${name}.png` });
  const { violations } = await new AxeBuilder({ page }).analyze();
  for (const v of violations.filter((v) => ['serious', 'critical'].includes(v.impact)))
    wrong.push(`${name}: ${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`);
  const width = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (width > 0) wrong.push(`${name}: wider than the window by ${width}`);
}

await page.goto(`${server}/console/`);
await page.locator('input[type=password]').fill(TOKEN);
await look('sign-in');
await page.getByRole('button', { name: 'Sign in' }).click();
await page.locator('tbody tr').first().waitFor();
await look('customers');
await page.locator('tbody a').first().click();
await page.locator('details').first().waitFor();
await look('customer');
await page.getByRole('button', { name: 'Dark' }).click();
await look('customer-dark');
await page.setViewportSize({ width: 360, height: 800 });
await look('customer-narrow');
await page.getByRole('button', { name: 'Language' }).click();
await page.getByRole('menuitem', { name: 'فارسی' }).click();
await look('customer-persian');
if ((await page.evaluate(() => document.documentElement.dir)) !== 'rtl') wrong.push('Persian is not read from the right');
await page.getByRole('button', { name: /خروج/ }).click();
await page.locator('input[type=password]').waitFor();
await browser.close();
for (const w of wrong) console.error(w);
process.exit(wrong.length > 0 ? 1 : 0);
