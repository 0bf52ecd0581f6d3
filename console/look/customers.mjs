export default async function ({ page, look, go }) {
  await go('/customers');
  await page.locator('tbody tr').first().waitFor();
  await look('customers');
  await page.locator('tbody a').first().click();
  await page.locator('details').first().waitFor();
  await look('customer');
  const at = new URL(page.url()).pathname.replace('/console', '');
  await go(`${at}?show=identity`);
  await page.locator('.picture').waitFor();
  await page.locator('.tie').first().focus();
  await page.keyboard.press('Enter');
  await look('customer-identity');
  await go(`${at}/agent`);
  await page.locator('[data-testid=advice] p').first().waitFor();
  await look('agent');
  await go(`/till?id=${at.split('/').at(-1)}`);
  await page.locator('[data-testid=served]').waitFor();
  await look('till');
}
