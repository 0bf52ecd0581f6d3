// Walks through every page of a running server: light, dark, narrow, and in Persian from the right. Writes a
// picture of each into OUT, and fails on what axe finds serious, on messages in the browser's console, on pages
// wider than the window, and on requests to other servers. ONLY=audiences,explore looks at some sections.
// With PICTURES it writes the pictures of the README there, too: PICTURES=../docs/pictures MODE=light,dark.
import { readdirSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { chromium } from '@playwright/test';

const { TOKEN, URL: server = 'http://127.0.0.1:8080', OUT = 'pictures', CHROMIUM = '/usr/bin/chromium', PICTURES } = process.env;
const only = process.env.ONLY?.split(',');
const modes = {
  light: {},
  dark: { colorScheme: 'dark' },
  narrow: { viewport: { width: 360, height: 800 } },
  persian: { language: 'fa' },
};
const wrong = [];
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });

function watch(page, mode) {
  page.on('pageerror', (e) => wrong.push(`${mode}: error: ${e.message}`));
  page.on('console', (m) => {
    // Before signing in the session is asked for and is not there, which the browser reports.
    if (m.type() === 'error' && !m.location().url.endsWith('/console/session')) wrong.push(`${mode}: ${m.text()} ${m.location().url}`);
  });
  page.on('request', (r) => {
    if (!/^(data|blob):/.test(r.url()) && !r.url().startsWith(`${server}/`)) wrong.push(`another server: ${r.url()}`);
  });
}

/**
 * What a section's walk is given: go(path) opens a page of the console and waits, look(name) takes its picture, api asks
 * the server beside the browser. readme is how much of the page, from its top, the README shows, by mode.
 */
function tools(page, mode) {
  const settle = () => page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => {});
  const look = async (name, readme = {}) => {
    await settle();
    await page.waitForTimeout(600); // what was clicked inside the page begins to be asked
    await page.waitForTimeout(400); // transitions of colours, menus and charts end
    await page.screenshot({ path: `${OUT}/${name}-${mode}.png`, fullPage: true });
    if (PICTURES && readme[mode])
      await page.screenshot({
        path: `${PICTURES}/console-${name}${mode === 'light' ? '' : `-${mode}`}.png`,
        fullPage: true,
        clip: { x: 0, y: 0, width: page.viewportSize().width, height: readme[mode] },
      });
    const { violations } = await new AxeBuilder({ page }).analyze();
    for (const v of violations.filter((v) => ['serious', 'critical'].includes(v.impact)))
      wrong.push(`${name} ${mode}: ${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`);
    const width = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (width > 0) wrong.push(`${name} ${mode}: wider than the window by ${width}`);
    if (await page.getByText('[object Object]').count()) wrong.push(`${name} ${mode}: shows an object`);
  };
  const go = async (path) => {
    await page.goto(`${server}/console${path}`);
    await page.locator('h1').first().waitFor();
    await settle();
  };
  const api = async (method, path, data) => {
    const answer = await page.request.fetch(`${server}/api/v1${path}`, { method, data, headers: { Authorization: `Bearer ${TOKEN}` } });
    if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`);
    return answer.status() === 204 ? undefined : answer.json();
  };
  return { page, mode, look, go, api };
}

const sections = readdirSync(new URL('look', import.meta.url)).map((f) => f.replace('.mjs', ''));
for (const [mode, { language, ...context }] of Object.entries(modes)) {
  if (process.env.MODE && !process.env.MODE.split(',').includes(mode)) continue;
  const window = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: 'en-US', reducedMotion: 'reduce', ...context });
  const page = await window.newPage();
  page.setDefaultTimeout(10_000);
  watch(page, mode);
  const t = tools(page, mode);
  await page.goto(`${server}/console/`);
  if (language) {
    await page.evaluate((l) => localStorage.setItem('clientele-language', l), language);
    await page.reload();
  }
  if (!only) await t.look('sign-in');
  await page.locator('[data-other-way]').click();
  await page.locator('input[type=password]').fill(TOKEN);
  await page.locator('button[type=submit]').click();
  await page.locator('nav').waitFor({ state: 'attached' });
  if (language === 'fa' && (await page.evaluate(() => document.documentElement.dir)) !== 'rtl')
    wrong.push('Persian is not read from the right');
  if (!only || only.includes('tour')) await t.look('tour');
  await page.locator('[data-hide-tour]').click(); // it would be in every picture
  for (const section of sections.filter((s) => !only || only.includes(s))) {
    const walk = (await import(`./look/${section}.mjs`)).default;
    await walk(t).catch((e) => wrong.push(`${section} ${mode}: ${e.message.split('\n')[0]}`));
  }
  await window.close();
}
await browser.close();
for (const w of wrong) console.error(w);
process.exit(wrong.length > 0 ? 1 : 0);
