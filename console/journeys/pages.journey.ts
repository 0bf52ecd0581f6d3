import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { more, named, paths } from './routes';
import { expect, open, signIn, test } from './shop';

test.describe.configure({ mode: 'parallel' });

/** What axe finds serious, light and dark. */
async function serious(page: Page): Promise<string[]> {
  const wrong: string[] = [];
  const look = async (scheme: string, axe: AxeBuilder) => {
    const { violations } = await axe.analyze();
    for (const v of violations)
      if (v.impact === 'serious' || v.impact === 'critical')
        wrong.push(`${scheme}: ${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(' | ')}`);
  };
  await look('light', new AxeBuilder({ page }));
  // What is dark differs in its colours alone.
  await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'dark' });
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await page.evaluate(() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => {}))));
  await look('dark', new AxeBuilder({ page }).withRules(['color-contrast']));
  return wrong;
}

test('every page of the router is known', () => {
  expect(paths.length).toBeGreaterThan(25);
  expect(paths.filter((p) => p.includes('$') && !named[p])).toEqual([]);
});

for (const [name, to] of [...paths.map((p) => [p, named[p] ?? (async () => p)] as const), ...Object.entries(more)])
  test(`axe finds nothing serious in ${name}, light and dark`, async ({ page, shop, complaints }) => {
    await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'light' });
    await open(page, await to(shop));
    expect(await serious(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

test('axe finds nothing serious where one signs in, and where a role may not look', async ({
  browser,
  shop,
  complaints,
}) => {
  const page = await signIn(browser, shop, 'executive', complaints);
  await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'light' });
  await open(page, '/customers');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This page is not for your role');
  expect(await serious(page)).toEqual([]);
  await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'light' });
  await page.getByRole('button', { name: /^Sign out/ }).click();
  await page.getByRole('textbox', { name: 'Password' }).waitFor();
  expect(await serious(page)).toEqual([]);
});
