export default async function ({ page, look, go }) {
  await go('/audiences');
  await look('audiences');
  await go('/audiences/new');
  const add = async (kind) => {
    await page.locator('.group > div > button').first().click();
    await page.getByRole('menuitem').nth(kind).click();
  };
  await add(0);
  await page.locator('.line input:not([type=hidden])').nth(0).fill('country');
  await page.locator('.line input:not([type=hidden])').nth(2).fill('DE');
  await page.keyboard.press('Escape');
  await add(1);
  const event = page.locator('.line').nth(1).locator('input:not([type=hidden])');
  await event.nth(0).fill('Order Completed');
  await page.keyboard.press('Escape');
  await page.locator('[data-testid=count]').waitFor();
  await look('builder');
  await go('/audiences');
  const one = page.locator('tbody a').first();
  if (await one.count()) {
    await one.click();
    await page.locator('[data-testid=members]').waitFor();
    await look('audience');
  }
  await go('/audiences/file');
  await look('audience-file');
  await go('/audiences/sql');
  await look('audience-sql');
}
