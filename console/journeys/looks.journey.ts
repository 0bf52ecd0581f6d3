import { named, paths } from './routes';
import { expect, open, server, test, unique } from './shop';

test('dark mode is kept, and follows the system until it is chosen', async ({ page, complaints }) => {
  const scheme = () => page.evaluate(() => document.documentElement.dataset.mantineColorScheme);
  await page.emulateMedia({ colorScheme: 'dark' });
  await open(page, '/customers');
  expect(await scheme()).toBe('dark');
  await page.getByRole('button', { name: 'Light' }).click();
  await expect.poll(scheme).toBe('light');
  await page.reload();
  await page.locator('h1').waitFor();
  expect(await scheme()).toBe('light');
  expect(complaints).toEqual([]);
});

test('360 pixels wide, a long address stays inside every page that shows it', async ({ page, shop, complaints }) => {
  const email = `${unique('somebody-with-a-long-name')}-and-more@${'a-company-with-a-name'.repeat(2)}.example.com`;
  await shop.send([{ type: 'identify', userId: unique('long'), traits: { email, city: 'x'.repeat(80) } }]);
  let id = '';
  await expect(async () => {
    ({ id } = await shop.ask<{ id: string }>('GET', `/api/v1/profiles/email/${encodeURIComponent(email)}`));
  }).toPass();
  await page.setViewportSize({ width: 360, height: 780 });
  const one = `/customers/id/${id}`;
  for (const path of [
    one,
    `${one}/agent`,
    `${one}?show=identity`,
    `/till?id=${id}`,
    `/customers?q=${encodeURIComponent(email)}`,
  ]) {
    await open(page, path);
    await expect(page.getByText(email).first()).toBeVisible();
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(over, `${path} is wider than the window`).toBeLessThanOrEqual(0);
  }
  expect(complaints).toEqual([]);
});

test('360 pixels wide, nothing is cut off and the navigation is a drawer', async ({ page, shop, complaints }) => {
  const customer = await named['/customers/$namespace/$value'](shop);
  await page.setViewportSize({ width: 360, height: 780 });
  for (const path of [...paths.filter((p) => !p.includes('$')), customer, `${customer}/agent`]) {
    await open(page, path);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(over, `${path} is wider than the window`).toBeLessThanOrEqual(0);
  }
  await page.getByRole('button', { name: 'Show or hide the navigation' }).first().click();
  await page.getByRole('navigation', { name: 'Main navigation' }).getByRole('link', { name: 'Customers' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Customers');
  expect(complaints).toEqual([]);
});

test('the keyboard alone leads from the first page to what is known of a customer', async ({
  page,
  shop,
  complaints,
}) => {
  const email = await shop.joined(2);
  await open(page, '/');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the page' })).toBeFocused();
  const to = async (role: 'link' | 'searchbox', name: RegExp) => {
    const target = page.getByRole(role, { name }).first();
    for (let i = 0; i < 40; i++) {
      if (await target.evaluate((e) => e === document.activeElement).catch(() => false)) return;
      await page.keyboard.press('Tab');
    }
    await expect(target).toBeFocused();
  };
  await to('link', /^Customers$/);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Customers');
  await to('searchbox', /Name, e-mail/);
  await page.keyboard.type(email);
  await expect(page.locator('tbody tr')).toHaveCount(1);
  await page.keyboard.press('Tab');
  await expect(page.locator('tbody a').first()).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByText(email).first()).toBeVisible();
  expect(complaints).toEqual([]);
});

test('Persian is read from the right, and its words are there', async ({ page, complaints }) => {
  await open(page, '/customers');
  await page.getByRole('button', { name: 'Language' }).click();
  await page.getByRole('menuitem', { name: 'فارسی' }).click();
  await expect(page.locator('html')).toHaveAttribute('dir', 'rtl');
  await expect(page.locator('html')).toHaveAttribute('lang', 'fa');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('مشتریان');
  const [menu, content] = await Promise.all([
    page.locator('nav').first().boundingBox(),
    page.locator('main').boundingBox(),
  ]);
  expect(menu && content && menu.x > content.x).toBe(true);
  await page.goto(`${server}/console/data/reviews`);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('صف بازبینی');
  expect(complaints).toEqual([]);
});
