import AxeBuilder from '@axe-core/playwright';
import { expect, open, test } from './shop';

test.describe.configure({ mode: 'parallel' });

const customer = '/customers/email/EMAIL';
const paths = [
  '/',
  '/customers',
  customer,
  `${customer}?show=identity`,
  `${customer}/agent`,
  '/till',
  '/audiences',
  '/audiences/new',
  '/audiences/file',
  '/audiences/sql',
  '/explore',
  '/explore/dashboards',
  '/explore/goals',
  '/explore/sql',
  '/explore/board',
  '/data/sources',
  '/data/live',
  '/data/quarantine',
  '/data/quality',
  '/data/identity',
  '/data/reviews',
  '/privacy/consent',
  '/privacy/requests',
  '/privacy/retention',
  '/privacy/audit',
];

for (const path of paths)
  test(`axe finds nothing serious in ${path}, light and dark`, async ({ page, shop, complaints }) => {
    const wrong: string[] = [];
    const look = async (scheme: string, axe: AxeBuilder) => {
      const { violations } = await axe.analyze();
      for (const v of violations)
        if (v.impact === 'serious' || v.impact === 'critical')
          wrong.push(`${scheme}: ${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(' | ')}`);
    };
    await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'light' });
    await open(page, path.replace('EMAIL', path.includes('EMAIL') ? encodeURIComponent(await shop.joined(3)) : ''));
    await look('light', new AxeBuilder({ page }));
    // What is dark differs in its colours alone.
    await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'dark' });
    await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
    await page.evaluate(() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => {}))));
    await look('dark', new AxeBuilder({ page }).withRules(['color-contrast']));
    expect(wrong).toEqual([]);
    expect(complaints).toEqual([]);
  });
