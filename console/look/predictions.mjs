export default async function ({ page, look, go }) {
  await go('/predictions');
  await look('predictions');
  const names = await page.locator('tbody a').allInnerTexts();
  for (const name of names.slice(0, 3)) {
    await go(`/predictions/${name}`);
    await page.locator('li, table').first().waitFor();
    await look(`model-${name}`);
  }
}
