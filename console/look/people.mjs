export default async function ({ page, look, go }) {
  await go('/settings/about');
  await page.locator('table').first().waitFor();
  await look('about');
  await go('/settings/people');
  await page.locator('[data-add-person]').waitFor();
  await look('people');
  await page.locator('[data-add-person]').click();
  await page.locator('[role=dialog] form').waitFor();
  await look('add-person');
  await page.keyboard.press('Escape');
  await go('/settings/tokens');
  await page.locator('table').first().waitFor();
  await look('tokens');
  await go('/settings/password');
  await look('password');
}
