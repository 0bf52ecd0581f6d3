export default async function ({ page, look, go }) {
  await go('/');
  await page.locator('[data-testid=profiles]').waitFor();
  await look('home', { light: 860, dark: 860 });
}
