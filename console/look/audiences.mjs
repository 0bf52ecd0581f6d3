const viewed = (value) => ({ event: 'Product Viewed', where: [{ property: 'category', op: 'eq', value }], within: '30d' });
/** What there is to see where nobody has made any. */
const some = {
  lapsed: { and: [{ event: 'Order Completed' }, { not: { event: 'Order Completed', within: '180d' } }] },
  'tents and boots': { and: [viewed('tents'), viewed('hiking boots')] },
  'newsletter Germany': {
    and: [{ trait: 'country', op: 'eq', value: 'DE' }, { consent: 'marketing', channel: 'email', granted: true }],
  },
};

export default async function ({ page, look, go, api }) {
  if ((await api('GET', '/audiences')).items.length === 0)
    for (const [name, where] of Object.entries(some)) await api('PUT', `/audiences/${encodeURIComponent(name)}`, { name, where });
  while ((await api('GET', '/audiences')).items.some((a) => a.filling)) await page.waitForTimeout(300);
  await go('/audiences');
  await look('audiences');
  await go('/audiences/new');
  const add = async (kind) => {
    await page.locator('.group > div > button').first().click();
    await page.getByRole('menuitem').nth(kind).click();
  };
  await add(0);
  await page.locator('.line input:not([type=hidden])').nth(0).fill('country');
  await page.locator('.line input:not([type=hidden])').nth(1).fill('DE');
  await page.keyboard.press('Escape');
  await add(1);
  const event = page.locator('.line').nth(1).locator('input:not([type=hidden])');
  await event.nth(0).fill('Order Completed');
  await page.keyboard.press('Escape');
  await page.locator('[data-testid=count]').waitFor();
  await look('builder', { light: 860 });
  await go('/audiences');
  const one = page.locator('tbody a').first();
  if (await one.count()) {
    await one.click();
    await page.locator('[data-testid=members]').waitFor();
    await look('audience');
    await go(`${new URL(page.url()).pathname.replace('/console', '')}/change`);
    await page.locator('[data-testid=count]').waitFor();
    await look('audience-change');
    await go('/audiences');
    await page.locator('tbody a').last().click(); // the smallest, or a draft
    await page.locator('[data-testid=members]').waitFor();
    await look('audience-small');
  }
  await go('/audiences/file');
  await look('audience-file');
  await go('/audiences/sql');
  await look('audience-sql');
}
