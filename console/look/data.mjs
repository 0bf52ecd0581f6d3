export default async function ({ page, look, go }) {
  await go('/data/sources');
  await page.locator('tbody tr').first().waitFor();
  await look('sources');
  await page.locator('tbody button').first().click();
  await page.locator('[data-testid=snippet]').waitFor();
  await look('source');
  await go('/data/live');
  await page.locator('.came').first().waitFor();
  await look('live');
  await go('/data/quarantine');
  await look('quarantine');
  const fix = page.locator('[data-testid=entry] button').first();
  if (await fix.count()) {
    await fix.click();
    await page.locator('pre').nth(1).waitFor();
    await look('quarantine-fix');
  }
  await go('/data/quality');
  await look('quality');
  await go('/data/identity');
  await page.locator('tbody input').first().waitFor();
  await look('identity');
  await page.locator('tbody input').nth(1).fill('2');
  await page.locator('main section').last().locator('button').nth(1).click();
  await page.locator('[data-testid=rules-yaml]').waitFor();
  await look('identity-tried');
  await go('/data/reviews');
  await look('reviews');
}
