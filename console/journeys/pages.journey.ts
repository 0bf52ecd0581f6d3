import AxeBuilder from '@axe-core/playwright';
import { expect, open, test } from './shop';

test.describe.configure({ mode: 'parallel' });

const customer = '/customers/email/EMAIL';
const sections = {
  'Home and customers': ['/', '/customers', customer, `${customer}?show=identity`, `${customer}/agent`, '/till'],
  Audiences: ['/audiences', '/audiences/new', '/audiences/file', '/audiences/sql'],
  Explore: ['/explore', '/explore/dashboards', '/explore/goals', '/explore/sql', '/explore/board'],
  Data: ['/data/sources', '/data/live', '/data/quarantine', '/data/quality', '/data/identity', '/data/reviews'],
  Privacy: ['/privacy/consent', '/privacy/requests', '/privacy/retention', '/privacy/audit'],
};

for (const [section, paths] of Object.entries(sections))
  test(`${section}: axe finds nothing serious, in light and in dark`, async ({ page, shop, complaints }) => {
    const email = encodeURIComponent(await shop.joined(3));
    const wrong: string[] = [];
    await page.emulateMedia({ reducedMotion: 'reduce' });
    const look = async (path: string, scheme: string, axe: AxeBuilder) => {
      const { violations } = await axe.analyze();
      for (const v of violations)
        if (v.impact === 'serious' || v.impact === 'critical')
          wrong.push(`${path} ${scheme}: ${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(' | ')}`);
    };
    for (const path of paths) {
      await page.emulateMedia({ colorScheme: 'light' });
      await open(page, path.replace('EMAIL', email));
      await look(path, 'light', new AxeBuilder({ page }));
      // What is dark differs in its colours alone.
      await page.emulateMedia({ colorScheme: 'dark' });
      await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
      await page.evaluate(() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => {}))));
      await look(path, 'dark', new AxeBuilder({ page }).withRules(['color-contrast']));
    }
    expect(wrong).toEqual([]);
    expect(complaints).toEqual([]);
  });
